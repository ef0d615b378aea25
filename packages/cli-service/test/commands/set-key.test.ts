import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type Step, session, withTables } from "@sluice/cli-kit/testing";
import { Address } from "@sluice/maps/address";
import { encapTable, verifyTable } from "@sluice/maps/tables";
import test from "ava";
import { cli } from "../../src/cli.js";

const it = withTables(test);

const backend = { address: Address.of("1.1.1.1"), port: 4000, proto: 6 };

const keys: readonly (readonly [words: string[], bytes: string])[] = [
	[["x"], "78000000000000000000000000000000"],
	[["0"], "30000000000000000000000000000000"],
	[["1234567890"], "31323334353637383930000000000000"],
	[["0x10"], "30783130000000000000000000000000"],
	[["1e3"], "31653300000000000000000000000000"],
	[["-5"], "2d350000000000000000000000000000"],
	[["1234567890123456"], "31323334353637383930313233343536"],
	[["--", "-dash"], "2d646173680000000000000000000000"],
	[["--", "--force"], "2d2d666f726365000000000000000000"],
	[["--", "--json"], "2d2d6a736f6e00000000000000000000"],
	[["a b'c\"d"], "61206227632264000000000000000000"],
	[["ä€😀"], "c3a4e282acf09f988000000000000000"],
	[
		["hex:000102030405060708090a0b0c0d0eFF"],
		"000102030405060708090a0b0c0d0eff",
	],
	[["base64:AAECAwQFBgcICQoLDA0O/w=="], "000102030405060708090a0b0c0d0eff"],
];

it("a key is bytes: text, hex or base64", async (t, tables) => {
	for (const [words, bytes] of keys) {
		const ended = await tables.run(cli, [
			..."set 1 2 tcp 5.5.5.5 3100 1.1.1.1 4000 100".split(" "),
			...words,
		]);
		t.deepEqual([ended.code, ended.err], [0, ""], words.join(" "));
		for (const { key } of [
			tables.open(verifyTable).get({ service: 1, group: 2 }),
			tables.open(encapTable).get(backend),
		].filter((row) => row !== undefined))
			t.is(key.toString("hex"), bytes);
	}
});

it("a key that is shown can be typed again", async (t, tables) => {
	for (const [words, bytes] of keys) {
		const set = "set 1 2 tcp 5.5.5.5 3100 1.1.1.1 4000 100".split(" ");
		await tables.run(cli, [...set, ...words]);
		const { out } = await tables.run(cli, "get 1 2 --json --show-keys");
		const shownKey = JSON.parse(out).services[0].key;
		await tables.run(cli, "del 1 2");
		await tables.run(cli, [...set, "--", shownKey]);
		const row = tables.open(verifyTable).get({ service: 1, group: 2 });
		t.is(row?.key.toString("hex"), bytes);
	}
});

const refused = (words: string[], message: string): Step => ({
	type: [..."set 1 2 tcp 5.5.5.5 3100 1.1.1.1 4000 100".split(" "), ...words],
	code: 2,
	err: `cli_service: set: ${message}\n`,
});

it("a key that does not fit is refused, never cut, and not repeated", async (t, tables) => {
	await session(t, tables, cli, [
		refused(
			["12345678901234567"],
			"key must be at most 16 bytes long, got 17 bytes",
		),
		refused(["ääääääääa"], "key must be at most 16 bytes long, got 17 bytes"),
		refused([""], "key must not be empty"),
		refused(["hex:00"], 'key must be "hex:" and 32 hexadecimal digits'),
		refused(
			["hex:000102030405060708090a0b0c0d0e0g"],
			'key must be "hex:" and 32 hexadecimal digits',
		),
		refused(
			["base64:AAECAwQFBgcICQoLDA0ODw"],
			'key must be "base64:" and 16 bytes in base64',
		),
		refused(["base64:AAEC"], 'key must be "base64:" and 16 bytes in base64'),
		refused(
			["\ufffd"],
			'key must be text in UTF-8, or "hex:" and 32 hexadecimal digits',
		),
		refused([], "key is missing: give it after tunnel-id, or by --key-file"),
		{ type: "get all", out: "0 services\n" },
	]);
});

it("a key comes from a file or standard input, without the newline at its end", async (t, tables) => {
	const directory = mkdtempSync(path.join(tmpdir(), "key-"));
	t.teardown(() => rmSync(directory, { recursive: true }));
	const file = path.join(directory, "key");
	const set = `set 1 2 tcp 5.5.5.5 3100 1.1.1.1 4000 100 --key-file`;
	const keyIs = (text: string) =>
		t.is(
			tables.open(verifyTable).get({ service: 1, group: 2 })?.key.toString(),
			text.padEnd(16, "\0"),
		);
	for (const [content, expected] of [
		["one\n", "one"],
		["two\r\n", "two"],
		["-three", "-three"],
		[" four \n", " four "],
		["five\n\n", "five\n"],
		["\ufeffsix\n", "six"],
	] as const) {
		writeFileSync(file, content);
		t.is((await tables.run(cli, `${set} ${file}`)).code, 0);
		keyIs(expected);
		await tables.run(cli, `${set} -`, { input: `${content}` });
		keyIs(expected);
	}
	writeFileSync(file, Buffer.from([0xff, 0xfe]));
	await session(t, tables, cli, [
		{
			type: `${set} ${file}`,
			code: 2,
			err: 'cli_service: set: key must be text in UTF-8, or "hex:" and 32 hexadecimal digits\n',
		},
		{
			type: `${set} ${directory}/none`,
			code: 2,
			err: `cli_service: set: key-file cannot be read: no such file (ENOENT)\n`,
		},
		{
			type: `${set} ${directory}`,
			code: 2,
			err: `cli_service: set: key-file cannot be read: it is a directory (EISDIR)\n`,
		},
		{
			type: `${set} /dev/zero`,
			code: 2,
			err: "cli_service: set: key-file cannot be read: it holds more than 1024 bytes\n",
		},
		{
			type: `${set} -`,
			env: { input: "" },
			code: 2,
			err: "cli_service: set: key must not be empty\n",
		},
		{
			type: `${set} - x`,
			code: 2,
			err: "cli_service: set: give key or --key-file, not both\n",
		},
	]);
});

it("no error of set repeats a word that may be the key", async (t, tables) => {
	const right = "1 2 tcp 5.5.5.5 3100 1.1.1.1 4000 100".split(" ");
	const lines = [
		...right.map((_, i) => right.with(i, "hunter2")),
		...right.map((_, i) => right.with(i, "--hunter2")),
		...right.map((_, i) => right.with(i, "20000000000")),
		[...right, "--hunter2"],
		[...right, "--key=hunter2"],
		[...right, "--hunter2=1"],
		[...right, "--force=hunter2"],
		[...right, "--key-file", "hunter2"],
		[...right, "x", "hunter2"],
		[...right, "hunter2hunter2hunter2"],
	];
	for (const line of lines)
		for (const json of [[], ["--json"]]) {
			const { code, out, err } = await tables.run(cli, [
				...json,
				"set",
				...line,
			]);
			t.deepEqual([code, out], [2, ""], line.join(" "));
			t.notRegex(err, /hunter2|20000000000/, line.join(" "));
		}
	const batch = lines.map((line) => ["set", ...line].join(" ")).join("\n");
	const { code, err } = await tables.run(cli, "batch -", { input: batch });
	t.is(code, 2);
	t.notRegex(err, /hunter2|20000000000/);
});
