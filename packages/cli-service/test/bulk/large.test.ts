// The built program on tables of real size.
import { spawnSync } from "node:child_process";
import path from "node:path";
import { type PinnedTables, withTables } from "@sluice/cli-kit/testing";
import { Journal } from "@sluice/maps";
import { encapTable, natTable, verifyTable } from "@sluice/maps/tables";
import { killedAtCall, traced, writingCalls } from "@sluice/testbed";
import test from "ava";

const MANY = 100_000;
const it = withTables(test, {
	maxEntries: {
		map_verify: MANY + 1000,
		map_encap: MANY + 1000,
		map_nat: 2 * MANY + 1000,
	},
});

const bin = path.resolve("dist/cli_service.cjs");

const run = (tables: PinnedTables, args: string[], input: string) =>
	spawnSync(process.execPath, [bin, "--bpffs", tables.bpffs, ...args], {
		input,
		encoding: "utf8",
		maxBuffer: 2 ** 28,
	});

const lines = Array.from({ length: MANY }, (_, i) => {
	const host = `${i >> 16}.${(i >> 8) & 255}.${i & 255}`;
	return `set ${i >> 4} ${i & 15} tcp 5.${host} 80 10.${host} 8080 ${i} key${i}`;
});
const file = `${lines.join("\n")}\n`;

it("100 000 services: batch, save, restore of nothing and of ten differences", (t, tables) => {
	const batch = run(tables, ["batch", "-"], file);
	t.is(batch.stdout, `${MANY} lines: ${4 * MANY} rows written, 0 deleted\n`);
	t.is(run(tables, ["save"], "").stdout, file);

	const unchanged = run(tables, ["restore", "-"], file);
	t.is(unchanged.stdout, `${MANY} lines: 0 rows written, 0 deleted\n`);

	const other = lines.map((line, i) =>
		i % 10_000 === 7 ? line.replace("8080", "8081") : line,
	);
	const wanted = `${other.join("\n")}\n`;
	const ten = JSON.parse(
		run(tables, ["restore", "-", "--json"], wanted).stdout,
	);
	t.deepEqual(ten.tables, {
		map_verify: { added: 0, changed: 10, deleted: 0 },
		map_encap: { added: 10, changed: 0, deleted: 10 },
		map_nat: { added: 10, changed: 10, deleted: 10 },
	});
	t.is(run(tables, ["save"], "").stdout, wanted);
});

it("a restore ended by kill -9 in its middle is done or not done for the next command", (t, tables) => {
	const size = (table: typeof verifyTable | typeof natTable) =>
		[...tables.open<unknown, unknown>(table).entries()].length;
	const some = lines.slice(0, 10_000);
	const wanted = `${some.join("\n")}\n`;
	const restore = [process.execPath, bin, "--bpffs", tables.bpffs, "restore"];
	const start = ([program = "", ...args]: string[], input: string) =>
		spawnSync(program, args, { input, encoding: "utf8" });
	const whole = start(traced([...restore, "-"]), wanted);
	const calls = writingCalls(whole.stderr);
	t.true(calls.length > 4, whole.stderr);
	// The first call makes the journal, which is there from then on: the last number is not reached again.
	for (const call of calls.slice(1, -1)) {
		run(tables, ["restore", "-", "--allow-empty"], "");
		const ended = start(killedAtCall([...restore, "-"], call), wanted);
		t.is(ended.signal, "SIGKILL");
		const next = run(tables, ["del", "65535", "1", "--if-exists"], "");
		t.is(next.status, 0, next.stderr);
		t.is(new Journal(tables.pins).read(), undefined);
		const left = size(verifyTable);
		t.true(left === 0 || left === some.length, `${left} services`);
		t.is(size(natTable), 2 * left);
		t.is([...tables.open(encapTable).entries()].length, left);
	}
	t.is(run(tables, ["restore", "-"], wanted).status, 0);
	t.is(run(tables, ["save"], "").stdout, wanted);
});
