import { spawnSync } from "node:child_process";
import {
	mkdtempSync,
	readdirSync,
	rmSync,
	statSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openTable, type Table } from "@sluice/maps";
import {
	indexBindingsTable,
	indexKeyOf,
	indexLengthsTable,
	indexRowsTable,
	indexSizeTable,
	packedBindingsTable,
} from "@sluice/maps/tables";
import type { ExecutionContext } from "ava";
import { killedAt } from "../helpers/killed.js";
import { kernelTest, ownDispatcher } from "../helpers/own-host.js";
import { greeter, greeting } from "../helpers/servers.js";
import { json, must, tubectl } from "../helpers/tubectl.js";

ownDispatcher();

const us = String(process.pid);
const directory = () =>
	`/sys/fs/bpf/${statSync("/proc/self/ns/net").ino}_dispatcher`;

/** Compares the index with the trie, entry by entry, and its rows with what they should be. */
function agree(t: ExecutionContext): void {
	const open = <K, V>(table: Table<K, V>) => {
		const opened = openTable(table, directory(), { readOnly: true });
		t.teardown(() => opened.close());
		return opened;
	};
	const all = [...open(packedBindingsTable).entries()];
	const inOrder = (entries: Iterable<[string, { id: number }]>) =>
		[...entries]
			.map(
				([key, { id }]) =>
					`${Buffer.from(key, "latin1").toString("hex")} ${id}`,
			)
			.sort();
	t.deepEqual(
		inOrder(open(indexBindingsTable).entries()),
		inOrder(all.map(([key, value]) => [indexKeyOf(key), value])),
	);
	t.is(open(indexSizeTable).get(0), BigInt(all.length));

	const counts = new Map<string, number>();
	for (const [packed] of all) {
		const key = Buffer.from(indexKeyOf(packed), "latin1");
		const group = [key[0], key[1], key.readUInt16LE(2)].join(" ");
		counts.set(group, (counts.get(group) ?? 0) + 1);
	}
	t.deepEqual(
		[...open(indexLengthsTable).entries()]
			.map(([{ length, protocol, port }, count]) => [
				[length, protocol, port].join(" "),
				count,
			])
			.sort(),
		[...counts].sort(),
	);
	const rows = new Map<number, number[]>();
	for (const group of counts.keys()) {
		const [length = 0, protocol, port = 0] = group.split(" ").map(Number);
		const row = port + (protocol === 17 ? 65_536 : 0);
		rows.set(row, [...(rows.get(row) ?? []), length]);
	}
	const expected = [...rows].map(([row, lengths]): [number, number] => {
		if (lengths.length > 4 || lengths.includes(0)) return [row, TOO_MANY];
		const bytes = Buffer.alloc(4);
		bytes.set(lengths.sort((a, b) => b - a));
		return [row, bytes.readUInt32LE()];
	});
	t.deepEqual(
		[...open(indexRowsTable).entries()].filter(([, lengths]) => lengths !== 0),
		expected.sort(([a], [b]) => a - b),
	);
}

/** A row of more lengths than fit, for which the trie is asked. */
const TOO_MANY = 0xffff_ffff;

const NINE_LENGTHS = [8, 9, 10, 11, 12, 13, 14, 15, 16];

kernelTest("An index agrees with the trie after every command", async (t) => {
	await must("bind", "foo", "tcp", "127.8.0.1", "80");
	await must("bind", "foo", "tcp", "127.8.0.0/16", "80");
	t.is((await json("upgrade", "--index")).index, true);
	agree(t);
	for (const line of [
		["bind", "foo", "tcp", "127.8.0.2", "80"],
		["bind", "bar", "tcp", "127.8.0.1", "80"],
		["bind", "bar", "tcp", "127.8.0.0/16", "80"],
		["bind", "bar", "udp", "2001:db8::/64", "0"],
		["bind", "bar", "udp", "2001:db8::1", "0"],
		["unbind", "foo", "tcp", "127.8.0.2", "80"],
		["unbind", "bar", "udp", "2001:db8::/64", "0"],
		["unbind", "bar", "udp", "2001:db8::1", "0"],
		// More lengths of one port than a row has room for, and fewer again.
		...NINE_LENGTHS.map((length) => [
			"bind",
			"nine",
			"tcp",
			`10.0.0.0/${length}`,
			"9",
		]),
		["unbind", "nine", "tcp", "10.0.0.0/10", "9"],
		["bind", "nine", "tcp", "::/0", "9"],
		["unbind", "nine", "tcp", "::/0", "9"],
		...NINE_LENGTHS.filter((length) => length !== 10).map((length) => [
			...["unbind", "nine", "tcp", `10.0.0.0/${length}`, "9"],
		]),
	]) {
		await must(...line);
		agree(t);
	}
	t.is((await json("upgrade")).index, true);
	agree(t);
	t.deepEqual(
		(await json("status")).destinations.map(
			({ label, bindings }: { label: string; bindings: number }) => [
				label,
				bindings,
			],
		),
		[["bar", 2]],
	);
});

kernelTest("Traffic goes by the index as it goes by the trie", async (t) => {
	const foo = await greeter(t, "foo");
	const bar = await greeter(t, "bar");
	await must("register-pid", us, "foo", "tcp", "127.0.0.1", String(foo.port));
	await must("register-pid", us, "bar", "tcp", "127.0.0.1", String(bar.port));
	await must("upgrade", "--index");
	await must("bind", "foo", "tcp", "127.8.0.1", "0");
	t.is(await greeting("127.8.0.1", 80), "foo");
	await must("bind", "bar", "tcp", "127.8.0.1", "80");
	t.is(await greeting("127.8.0.1", 80), "bar");
	t.is(await greeting("127.8.0.1", 81), "foo");
	t.is(await greeting("127.8.0.2", 80), "ECONNREFUSED");
	await must("bind", "foo", "tcp", "127.8.0.0/16", "80");
	t.is(await greeting("127.8.0.2", 80), "foo");
	await must("bind", "foo", "tcp", "127.8.0.1", "80");
	t.is(await greeting("127.8.0.1", 80), "foo");
	await must("unbind", "foo", "tcp", "127.8.0.0/16", "80");
	t.is(await greeting("127.8.0.2", 80), "ECONNREFUSED");
});

kernelTest("Only tubectl can write to a trie that has an index", async (t) => {
	await must("bind", "foo", "tcp", "127.8.0.1", "80");
	await must("upgrade", "--index");
	const key =
		"98 00 00 00 06 50 00 00 00 00 00 00 00 00 00 00 00 ff ff 7f 08 00 01".split(
			" ",
		);
	for (const change of [
		["delete", "pinned", `${directory()}/bindings`, "key", "hex", ...key],
		[
			...["update", "pinned", `${directory()}/bindings`, "key", "hex", ...key],
			...["value", "hex", ..."05 00 00 00 98 00 00 00".split(" ")],
		],
		[
			...["delete", "pinned", `${directory()}/index_bindings`],
			...["key", "hex", "80", ...key.slice(4)],
		],
	]) {
		const { status, stderr } = spawnSync("bpftool", ["map", ...change], {
			encoding: "utf8",
		});
		t.not(status, 0);
		t.true(stderr.includes("Operation not permitted"), stderr);
	}
	agree(t);
});

for (const step of [
	"index",
	"frozen",
	"filled",
	"loaded",
	"pinned",
	"replaced",
	"renamed",
])
	kernelTest(
		`An index is right, or not used, after a kill at "${step}"`,
		async (t) => {
			const foo = await greeter(t, "foo");
			await must(
				"register-pid",
				us,
				"foo",
				"tcp",
				"127.0.0.1",
				String(foo.port),
			);
			await must("bind", "foo", "tcp", "127.8.0.1", "80");
			await must("bind", "foo", "tcp", "127.8.0.2", "80");
			killedAt(t, "index", step);
			t.is(await greeting("127.8.0.1", 80), "foo");
			await must("unbind", "foo", "tcp", "127.8.0.1", "80");
			await must("bind", "foo", "tcp", "127.8.0.3", "80");
			t.is(await greeting("127.8.0.1", 80), "ECONNREFUSED");
			t.is(await greeting("127.8.0.3", 80), "foo");
			await must("upgrade", "--index");
			agree(t);
			t.is(await greeting("127.8.0.1", 80), "ECONNREFUSED");
			t.is(await greeting("127.8.0.2", 80), "foo");
			t.is(await greeting("127.8.0.3", 80), "foo");
		},
	);

kernelTest("A file of bindings goes to trie and index", async (t) => {
	const files = mkdtempSync(join(tmpdir(), "bindings-"));
	t.teardown(() => rmSync(files, { recursive: true }));
	const load = async (count: number) => {
		const file = join(files, `${count}.json`);
		const bindings = Array.from({ length: count }, (_, i) => ({
			label: `label${i % 7}`,
			prefix:
				i % 5 === 0
					? `10.${i >> 8}.${i & 255}.0/24`
					: `11.0.${i >> 8}.${i & 255}`,
			port: i % 3,
		}));
		writeFileSync(file, JSON.stringify({ bindings }));
		return (await must("load-bindings", file)).split("\n").length - 1;
	};
	t.is(await load(1000), 2000);
	await must("upgrade", "--index");
	agree(t);
	t.is(await load(300), 1400);
	agree(t);
	t.is(await load(2000), 3400);
	agree(t);
	t.is(await load(2000), 0);
});

kernelTest(
	"upgrade --index says what it takes away, and the way back",
	async (t) => {
		await must("bind", "foo", "tcp", "127.8.0.1", "80");
		await must("bind", "bar", "udp", "2001:db8::/64", "0");
		const { port } = await greeter(t, "foo");
		await must("register-pid", us, "foo", "tcp", "127.0.0.1", String(port));
		const before = await json("status");
		const pins = readdirSync(directory()).sort();
		const { code, err } = await tubectl("upgrade", "--index");
		t.is(code, 0);
		t.is(
			err,
			'tubectl: upgrade: with an index, other tools such as tubular cannot write bindings; undo it with "tubectl upgrade --no-index"\n',
		);
		t.deepEqual(
			readdirSync(directory(), { withFileTypes: true }).filter((one) =>
				one.isDirectory(),
			),
			[],
		);
		t.is((await json("upgrade", "--no-index")).index, false);
		t.deepEqual(readdirSync(directory()).sort(), pins);
		t.deepEqual(await json("status"), before);
		t.is(await greeting("127.8.0.1", 80), "foo");
		// Another tool writes again.
		const trie = openTable(packedBindingsTable, directory());
		const [[key, value] = []] = [...trie.entries()];
		if (key && value) trie.set(key, value);
		trie.close();
		await must("unbind", "foo", "tcp", "127.8.0.1", "80");
		t.is(await greeting("127.8.0.1", 80), "ECONNREFUSED");
		t.is((await tubectl("upgrade", "--index", "--no-index")).code, 2);
	},
);

for (const step of ["loaded", "pinned", "replaced", "renamed"])
	kernelTest(
		`The index is there or gone, and traffic goes on, after a kill at "${step}"`,
		async (t) => {
			const { port } = await greeter(t, "foo");
			await must("register-pid", us, "foo", "tcp", "127.0.0.1", String(port));
			await must("bind", "foo", "tcp", "127.8.0.1", "80");
			await must("upgrade", "--index");
			killedAt(t, "no-index", step);
			t.is(await greeting("127.8.0.1", 80), "foo");
			await must("bind", "foo", "tcp", "127.8.0.2", "80");
			await must("unbind", "foo", "tcp", "127.8.0.1", "80");
			t.is(await greeting("127.8.0.1", 80), "ECONNREFUSED");
			t.is(await greeting("127.8.0.2", 80), "foo");
			await must("upgrade", "--no-index");
			t.is(await greeting("127.8.0.2", 80), "foo");
			t.is((await json("bindings")).bindings.length, 1);
		},
	);

kernelTest("unload takes the index with it", async (t) => {
	await must("upgrade", "--index");
	await must("unload");
	t.is(statSync(directory(), { throwIfNoEntry: false }), undefined);
	await must("load");
	await must("bind", "foo", "tcp", "127.8.0.1", "80");
});
