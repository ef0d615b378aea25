// Needs root and BPF: applies JSON documents that differ from the one before in few rows.

import { execFileSync } from "node:child_process";
import {
	differingRows,
	type JsonText,
	jsonLists,
	packLists,
	unpackLists,
} from "@sluice/document";
import { Address } from "@sluice/maps/address";
import { encapTable, natTable, tunnelTable } from "@sluice/maps/tables";
import test from "ava";
import { cli } from "../src/cli.js";
import {
	type Content,
	changed,
	gateway,
	json,
	many,
	yaml,
} from "./helpers/documents.js";
import { foundIn, it, learnRemote } from "./helpers/tables.js";

/** Numbers from 0 to 1 without a pattern, the same ones in each run. */
function numbers(seed: number): () => number {
	let state = seed;
	return () => {
		state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
		return state / 2 ** 32;
	};
}

/** Changes of one or two rows, each with what it needs to know. */
const edits: ((c: Content, pick: (n: number) => number, i: number) => void)[] =
	[
		({ services }, pick, i) =>
			Object.assign(services[pick(services.length)] as object, {
				backend: `192.168.9.1:${2000 + i}`,
			}),
		({ services }, pick, i) =>
			Object.assign(services[pick(services.length)] as object, {
				keys: [{ text: `new-${i}` }],
			}),
		({ services }, pick, i) =>
			Object.assign(services[pick(services.length)] as object, {
				keys: [{ text: `new-${i}` }, { text: `old-${i}` }],
				signingKey: { text: `sign-${i}` },
			}),
		({ services }, pick) => {
			const from = pick(services.length - 1);
			const [a, b] = services.slice(from, from + 2) as [
				Record<string, unknown>,
				Record<string, unknown>,
			];
			[a.proxy, b.proxy] = [b.proxy, a.proxy];
			[a.protocol, b.protocol] = [b.protocol, a.protocol];
		},
		({ services }, pick) => services.splice(pick(services.length), 1),
		({ services, tunnels }, pick, i) =>
			services.splice(pick(services.length), 0, {
				service: 20,
				group: i,
				protocol: i % 2 ? "udp" : "tcp",
				proxy: `198.51.100.2:${1000 + i}`,
				backend: `192.168.8.2:${1000 + i}`,
				tunnel: (tunnels[0] as { id: number }).id,
				keys: [{ text: `added-${i}` }],
			}),
		({ tunnels }, pick, i) =>
			tunnels.splice(pick(tunnels.length), 0, {
				id: 5000 + i,
				local: "127.0.0.3:6080",
				remote: `10.1.0.${i}:6080`,
				token: "send",
			}),
		({ tunnels }, pick, i) =>
			Object.assign(tunnels[pick(tunnels.length)] as object, {
				remote: `10.2.0.${i}:6080`,
				moveAfter: 60,
			}),
		({ tunnels, services }) => {
			const used = new Set(services.map(({ tunnel }) => tunnel));
			const i = tunnels.findIndex(({ id }) => !used.has(id));
			if (i >= 0) tunnels.splice(i, 1);
		},
		({ config }, _, i) =>
			Object.assign(config[0] as object, { name: `name-${i}` }),
		({ services }) => services.reverse(),
		() => {},
	];

it("forty documents, each with a few other rows than the one before: the tables are what each says", async (t, tables) => {
	const next = numbers(7);
	const pick = (count: number) => Math.floor(next() * count);
	const content = many(gateway(), 20);
	let generation = 1;
	let serial = 0;
	for (let i = 1; i <= 40; i++) {
		for (let left = pick(3); left >= 0; left--)
			edits[pick(edits.length)]?.(content, pick, ++serial);
		content.metadata.generation = ++generation;
		// Another program changes a row, now and then.
		if (i % 7 === 0) tables.open(tunnelTable).delete(100);
		const text = i % 5 === 0 ? JSON.stringify(content, null, 2) : json(content);
		const { code, err } = await tables.run(cli, "-", { input: text });
		t.is(code, 0, err);
		const differ = await tables.run(cli, "diff -", { input: yaml(content) });
		t.is(differ.out, "0 differences, not applied: 0 rows written, 0 deleted\n");
		t.deepEqual(foundIn(tables), []);
		const { out } = await tables.run(cli, "status --json");
		t.false(JSON.parse(out).drifted);
		// The same generation in another layout is no other content.
		const again = await tables.run(cli, "-", { input: yaml(content) });
		t.is(
			again.out,
			`generation ${generation}: 0 rows written, 0 deleted\n`,
			again.err,
		);
		if (i % 2 === 0) await tables.run(cli, "-", { input: json(content) });
	}
});

const base = json(gateway());

const refusals: { title: string; next: string; err: RegExp }[] = [
	{
		title: "an endpoint of a row that stays",
		next: base
			.replace("192.168.7.3:53", "192.168.7.2:8080")
			.replace("udp", "tcp"),
		err: /-:1:\d+: services\[1\].backend: tcp 192.168.7.2:8080 belongs to the service of line 1/,
	},
	{
		title: "an id that a row has that stays",
		next: base.replace('"id":101', '"id":100'),
		err: /-:1:\d+: tunnels\[1\]: tunnel 100 again, after line 1/,
	},
	{
		title: "a tunnel that is not there",
		next: base
			.replace('"tunnel":101', '"tunnel":7')
			.replace('"generation":1', '"generation":2'),
		err: /-:1:\d+: services\[1\].tunnel: there is no tunnel 7/,
	},
	{
		title: "the end of a tunnel as the proxy of a UDP service",
		next: base.replace("203.0.113.10:53", "127.0.0.1:6080"),
		err: /-:1:\d+: services\[1\].proxy: udp 127.0.0.1:6080 is the local end of a tunnel/,
	},
	{
		title: "the end of a tunnel as the backend of a UDP service",
		next: base.replace("192.168.7.3:53", "127.0.0.1:6080"),
		err: /-:1:\d+: services\[1\].backend: udp 127.0.0.1:6080 is the local end of a tunnel/,
	},
	{
		title: "a UDP service as the far end of its tunnel",
		next: base.replace("10.0.0.2:6080", "192.168.7.3:53"),
		err: /-:1:\d+: services\[1\].backend: udp 192.168.7.3:53 is the far end of tunnel 101/,
	},
	{
		title: "the same generation with another row",
		next: base.replace("10.0.0.2", "10.0.0.3"),
		err: /generation 1 was applied .* with other content/,
	},
	{
		title: "an older generation",
		next: base.replace('"generation":1', '"generation":0'),
		err: /-:1:\d+: metadata: generation must be an integer from 1/,
	},
	{
		title: "a comma too many",
		next: base.replace('},{"id":101', '},,{"id":101'),
		err: /-:1:\d+: not YAML: /,
	},
	{
		title: "a comma too many at the end",
		next: base.replace('"10.0.0.2:6080"}]', '"10.0.0.2:6080"},,]'),
		err: /-:1:\d+: not YAML: /,
	},
];

for (const { title, next, err } of refusals)
	it(`where one row differs: ${title}`, async (t, tables) => {
		t.is((await tables.run(cli, "-", { input: base })).code, 0);
		t.not(next, base);
		const ended = await tables.run(cli, "-", { input: next });
		t.is(ended.code, 2);
		t.regex(ended.err, err);
		const { out } = await tables.run(cli, "diff -", { input: base });
		t.regex(out, /^0 differences/);
	});

it("rows that another program has changed since are mended with the row that differs", async (t, tables) => {
	await tables.run(cli, "-", { input: json(many(gateway(), 5)) });
	tables.open(encapTable).delete({
		address: Address.of("192.168.8.1"),
		port: 1002,
		proto: 6,
	});
	const next = many(
		changed((c) => {
			c.metadata.generation = 2;
			Object.assign(c.services[0] as object, { proxy: "203.0.113.99:80" });
		}),
		5,
	);
	t.is((await tables.run(cli, "-", { input: json(next) })).code, 0);
	t.deepEqual(foundIn(tables), []);
	const proxy = { address: Address.of("203.0.113.99"), port: 80, proto: 6 };
	t.is(String(tables.open(natTable).get(proxy)?.address), "192.168.7.2");
});

it("a learned remote stays where another row differs", async (t, tables) => {
	await tables.run(cli, "-", { input: base });
	const tunnels = tables.open(tunnelTable);
	const learned = learnRemote(tables, 100);
	for (const generation of [2, 3]) {
		const next = changed((c) => {
			Object.assign(c.metadata, { generation });
			Object.assign(c.tunnels[1] as object, {
				remote: `10.0.9.${generation}:1`,
			});
		});
		t.is((await tables.run(cli, "-", { input: json(next) })).code, 0);
		t.deepEqual(tunnels.get(100), learned);
	}
});

it("a token mode that cuts a service off is warned of where its tunnel's row alone differs", async (t, tables) => {
	await tables.run(cli, "-", { input: base });
	const next = changed((c) => {
		c.metadata.generation = 2;
		Object.assign(c.tunnels[1] as object, { token: "require" });
	});
	const { code, err } = await tables.run(cli, "-", { input: json(next) });
	t.is(code, 0);
	t.regex(
		err,
		/warning: service 2 2 has no signing key: its packets are dropped/,
	);
});

it("a row follows the name of its interface: where it is made anew, and where two exchange their names", async (t, tables) => {
	const ip = (...words: string[]) => execFileSync("ip", words);
	const make = () => ip("link", "add", "a0", "type", "veth", "peer", "b0");
	const remove = () => ip("link", "del", "a0");
	const rename = (from: string, to: string) =>
		ip("link", "set", from, "name", to);
	make();
	t.teardown(remove);
	const input = json(
		changed((c) => {
			Object.assign(c.config[0] as object, { interface: "a0" });
		}),
	);
	const again = async () => (await tables.run(cli, "-", { input })).out;
	await again();
	remove();
	make();
	const moved = "generation 1: 1 row written, 1 deleted\n";
	t.is(await again(), moved);
	t.is(await again(), "generation 1: 0 rows written, 0 deleted\n");
	rename("a0", "c0");
	rename("b0", "a0");
	rename("c0", "b0");
	t.regex((await tables.run(cli, "status")).out, /drifted +yes/);
	t.is(await again(), moved);
	t.regex((await tables.run(cli, "status")).out, /drifted +no/);
});

function jsonText(text: string): JsonText {
	const bytes = Buffer.from(text);
	return {
		bytes,
		lists: unpackLists(Buffer.concat(packLists(jsonLists(bytes)))),
	};
}

const remains = test.macro({
	exec(t, before: string, after: string, expected: [string, string]) {
		const rows = differingRows(jsonText(before), Buffer.from(after), ["a"]);
		t.deepEqual(rows && [rows.before, rows.after], expected);
		for (const text of expected) t.notThrows(() => JSON.parse(text));
	},
	title: (_, before, after) => `what remains of ${before} and ${after}`,
});

test(remains, '{"a":[1,2,3,4,5]}', '{"a":[1,2,9,4,5]}', [
	'{"a":[3]}',
	'{"a":[9]}',
]);
test(remains, '{"a":[1,2,3]}', '{"a":[1,2,3]}', ['{"a":[3]}', '{"a":[3]}']);
test(remains, '{"a":[1,2,3]}', '{"a":[1,3]}', ['{"a":[2,3]}', '{"a":[3]}']);
test(remains, '{"g":9,"a":[1,2,3,4,5,6]}', '{"g":10,"a":[1,2,3,44,5,6]}', [
	'{"g":9,"a":[4]}',
	'{"g":10,"a":[44]}',
]);
test(remains, '{"a":[11,2,3,4,5,66,7]}', '{"a":[11,22,3,4,5,6,7]}', [
	'{"a":[2,3,4,5,66]}',
	'{"a":[22,3,4,5,6]}',
]);
test(remains, '{"a":[1,2]}', '{"a":[1]}', ['{"a":[1,2]}', '{"a":[1]}']);
test(remains, '{"a":[1,2]}', '{"a":[]}', ['{"a":[1,2]}', '{"a":[]}']);
test(
	remains,
	'{"a":[[1,2],"],\\"",3],"b":[1,2,3]}',
	'{"a":[[1,2],"],\\"",4],"b":[1,2,3]}',
	['{"a":[3],"b":[1,2,3]}', '{"a":[4],"b":[1,2,3]}'],
);
test(
	remains,
	'{"m":{"x":"[1,2","y":[3,4]},"a":[{"i":1},{"i":2},{"i":3}]}',
	'{"m":{"x":"[1,3","y":[3,4]},"a":[{"i":1},{"i":9},{"i":3}]}',
	[
		'{"m":{"x":"[1,2","y":[3,4]},"a":[{"i":2}]}',
		'{"m":{"x":"[1,3","y":[3,4]},"a":[{"i":9}]}',
	],
);

function isJson(text: string): boolean {
	try {
		JSON.parse(text);
		return true;
	} catch {
		return false;
	}
}

for (const after of ['{"a":[1,2,]}', '{"a":[1,,2]}', '{"a":[1,2],"a":[3]}'])
	test(`${after} does not become a valid document by what is cut out`, (t) => {
		const rows = differingRows(jsonText('{"a":[1,2,3]}'), Buffer.from(after), [
			"a",
		]);
		t.false(rows !== undefined && isJson(rows.after));
	});
