import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openTable } from "@sluice/maps";
import {
	bindingIndexTable,
	indexKeyOf,
	indexSubnetsTable,
	packedBindingsTable,
} from "@sluice/maps/tables";
import test, { type ExecutionContext } from "ava";
import { killedAt } from "../helpers/killed.js";
import { kernelTest, ownHost } from "../helpers/own-host.js";
import { greeter, greeting } from "../helpers/servers.js";
import { json, must, tubectl } from "../helpers/tubectl.js";

test.before(ownHost);
test.beforeEach(async () => {
	if (process.getuid?.() === 0) await must("load");
});
test.afterEach.always(() => tubectl("unload"));

const us = String(process.pid);
const directory = () =>
	`/sys/fs/bpf/${statSync("/proc/self/ns/net").ino}_dispatcher`;

/** Compares the index with the trie, entry by entry. */
function agree(t: ExecutionContext): void {
	const trie = openTable(packedBindingsTable, directory(), { readOnly: true });
	const index = openTable(bindingIndexTable, `${directory()}/index`, {
		readOnly: true,
	});
	const others = openTable(indexSubnetsTable, `${directory()}/index`, {
		readOnly: true,
	});
	const all = [...trie.entries()];
	const single = all.filter(([, { prefixlen }]) => prefixlen === 152);
	const inOrder = (entries: Iterable<[string, { id: number }]>) =>
		[...entries]
			.map(
				([key, { id }]) =>
					`${Buffer.from(key, "latin1").toString("hex")} ${id}`,
			)
			.sort();
	t.deepEqual(
		inOrder(index.entries()),
		inOrder(single.map(([key, value]) => [indexKeyOf(key), value])),
	);
	t.is(others.get(0), BigInt(all.length - single.length));
	for (const table of [trie, index, others]) table.close();
}

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

kernelTest(
	"Nobody but tubectl can write to a trie that has an index",
	async (t) => {
		await must("bind", "foo", "tcp", "127.8.0.1", "80");
		await must("upgrade", "--index");
		const key =
			"98 00 00 00 06 50 00 00 00 00 00 00 00 00 00 00 00 ff ff 7f 08 00 01".split(
				" ",
			);
		for (const change of [
			["delete", "pinned", `${directory()}/bindings`, "key", "hex", ...key],
			[
				...[
					"update",
					"pinned",
					`${directory()}/bindings`,
					"key",
					"hex",
					...key,
				],
				...["value", "hex", ..."05 00 00 00 98 00 00 00".split(" ")],
			],
			[
				...["delete", "pinned", `${directory()}/index/binding_index`],
				...["key", "hex", ...key.slice(3)],
			],
		]) {
			const { status, stderr } = spawnSync("bpftool", ["map", ...change], {
				encoding: "utf8",
			});
			t.not(status, 0);
			t.true(stderr.includes("Operation not permitted"), stderr);
		}
		agree(t);
	},
);

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

kernelTest("unload takes the index with it", async (t) => {
	await must("upgrade", "--index");
	await must("unload");
	t.is(statSync(directory(), { throwIfNoEntry: false }), undefined);
	await must("load");
	await must("bind", "foo", "tcp", "127.8.0.1", "80");
});
