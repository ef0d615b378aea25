// The built program, killed by SIGKILL. Needs root, a kernel with BPF, and strace.
import { spawnSync } from "node:child_process";
import path from "node:path";
import { type PinnedTables, withTables } from "@sluice/cli-kit/testing";
import { killedAtCall, traced } from "@sluice/testbed";
import test from "ava";
import { cli } from "../src/cli.js";

const it = withTables(test);

const command = (tables: PinnedTables, ...words: string[]) => [
	...[process.execPath, path.resolve("dist/cli_service.cjs")],
	...["--bpffs", tables.bpffs, ...words],
];

const start = ([program = "", ...args]: string[], input = "") =>
	spawnSync(program, args, { input, encoding: "utf8" });

const swap = [
	"set 1 1 tcp 5.5.5.2 80 1.1.1.1 8080 100 one",
	"set 2 1 tcp 5.5.5.1 80 1.1.1.2 8080 100 two",
	"",
].join("\n");

for (const [title, words, input] of [
	[
		"a takeover",
		"set 3 1 tcp 5.5.5.1 80 1.1.1.2 8080 100 x --force".split(" "),
		"",
	],
	["a batch that exchanges proxies", ["batch", "-"], swap],
	["a restore", ["restore", "-"], swap],
] as const)
	it(`${title}, killed at each of its bpf calls, is done or not done after an unrelated set`, async (t, tables) => {
		const begin = async () => {
			await tables.run(cli, "del all");
			for (const line of [
				"set 1 1 tcp 5.5.5.1 80 1.1.1.1 8080 100 one",
				"set 2 1 tcp 5.5.5.2 80 1.1.1.2 8080 100 two",
			])
				await tables.run(cli, line);
		};
		const then = async () => {
			await tables.run(cli, "set 9 9 udp 9.9.9.9 53 9.9.9.8 53 100 y");
			const { out } = await tables.run(cli, "get all --show-keys");
			return out.split("\n").sort();
		};
		await begin();
		const before = await then();
		await begin();
		const whole = start(traced(command(tables, ...words)), input);
		const calls = whole.stderr.match(/\bbpf\(BPF_/g)?.length ?? 0;
		t.true(calls > 10, whole.stderr);
		const after = await then();
		const seen = new Set<string>();
		for (let call = 1; call <= calls; call++) {
			await begin();
			const { signal } = start(
				killedAtCall(command(tables, ...words), call),
				input,
			);
			t.is(signal, "SIGKILL");
			const found = await then();
			const isNew = JSON.stringify(found) === JSON.stringify(after);
			t.deepEqual(found, isNew ? after : before, `at call ${call}`);
			seen.add(isNew ? "new" : "old");
		}
		t.deepEqual([...seen], ["old", "new"]);
	});
