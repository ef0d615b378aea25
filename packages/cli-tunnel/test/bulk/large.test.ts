// The built program on tables of real size.
import { spawnSync } from "node:child_process";
import path from "node:path";
import { type PinnedTables, withTables } from "@sluice/cli-kit/testing";
import test from "ava";

const MANY = 100_000;
const it = withTables(test, {
	maxEntries: { map_tunnel: 2 * MANY, map_decap: 2 * MANY },
});

const bin = path.resolve("dist/cli_tunnel.cjs");

const run = (tables: PinnedTables, args: string[], input: string) =>
	spawnSync(process.execPath, [bin, "--bpffs", tables.bpffs, ...args], {
		input,
		encoding: "utf8",
		maxBuffer: 2 ** 28,
	});

/** Tunnels 0 to 99 999, ten at each local endpoint. */
const lines = Array.from(
	{ length: MANY },
	(_, id) =>
		`set ${id} 10.${id >> 16}.${(id >> 8) & 255}.${id & 0xf0} ${6080 + (id & 7)} 10.99.0.${id & 255} 6080`,
);
const file = `${lines.join("\n")}\n`;

it("100 000 tunnels: batch, save, restore of nothing and of ten differences", (t, tables) => {
	const batch = run(tables, ["batch", "-", "--json"], file);
	t.is(batch.stderr, "");
	t.is(JSON.parse(batch.stdout).tables.map_tunnel.added, MANY);
	t.is(run(tables, ["save"], "").stdout, file);

	const unchanged = run(tables, ["restore", "-"], file);
	t.is(unchanged.stdout, `${MANY} lines: 0 rows written, 0 deleted\n`);

	const other = [...lines];
	for (let i = 0; i < 8; i++)
		other[i * 12_345] = `${other[i * 12_345]}`.replace(/\d+$/, "9999");
	other.splice(500, 1);
	other.push(`set ${MANY} 10.0.0.0 6080 0 0`);
	const wanted = `${other.join("\n")}\n`;
	const dry = run(tables, ["restore", "--dry-run", "-"], wanted).stdout;
	t.deepEqual(
		dry.split("\n").map((line) => line.slice(0, 5)),
		[...Array(8).fill("~ set"), "+ set", "- del", "10 di", ""],
	);
	const ten = JSON.parse(
		run(tables, ["restore", "-", "--json"], wanted).stdout,
	);
	t.deepEqual(ten.tables.map_tunnel, { added: 1, changed: 8, deleted: 1 });
	t.is(run(tables, ["save"], "").stdout, wanted);
});
