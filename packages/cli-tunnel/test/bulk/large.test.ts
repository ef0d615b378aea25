// The built program on tables of real size.
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, rmSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type PinnedTables, withTables } from "@sluice/cli-kit/testing";
import { Journal, loadObject } from "@sluice/maps";
import { decapTable, tunnelTable } from "@sluice/maps/tables";
import {
	killedAtCall,
	traced,
	tunnelTables,
	writingCalls,
} from "@sluice/testbed";
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

it("an error in line 99 999 is named, and nothing is changed", (t, tables) => {
	const bad = [...lines];
	bad[99_998] = "set 1 10.0.0.1 6080 10.0.0.1 66666";
	const ended = run(tables, ["batch", "-"], bad.join("\n"));
	t.is(
		ended.stderr,
		'cli_tunnel: batch: line 99999: port-remote must be an integer from 0 to 65535, got "66666"\ncli_tunnel: batch: 1 error: nothing was changed\n',
	);
	t.is(ended.status, 2);
	t.is([...tables.open(tunnelTable).entries()].length, 0);
});

it("a restore ended by kill -9 in its middle is done or not done for the next command", (t, tables) => {
	const tunnels = tables.open(tunnelTable);
	const some = lines.slice(0, 10_000);
	const wanted = `${some.join("\n")}\n`;
	const restore = [process.execPath, bin, "--bpffs", tables.bpffs, "restore"];
	const start = ([program = "", ...args]: string[], input: string) =>
		spawnSync(program, args, { input, encoding: "utf8" });
	const whole = start(traced([...restore, "-"]), wanted);
	const calls = writingCalls(whole.stderr);
	// The first ones make the journal and write to it.
	t.true(calls.length > 4, whole.stderr);
	for (const call of calls.slice(1, -1)) {
		run(tables, ["restore", "-", "--allow-empty"], "");
		const ended = start(killedAtCall([...restore, "-"], call), wanted);
		t.is(ended.signal, "SIGKILL");
		t.is(run(tables, ["del", "999999999", "--if-exists"], "").stderr, "");
		t.is(new Journal(tables.pins).read(), undefined);
		const references = [...tables.open(decapTable).entries()].map(
			([, count]) => count,
		);
		const left = [...tunnels.entries()].length;
		t.true(left === 0 || left === some.length, `${left} tunnels`);
		t.is(
			references.reduce((sum, count) => sum + count, 0),
			left,
		);
		t.true(references.every((count) => count > 0));
	}
	t.is(run(tables, ["save"], "").stdout, wanted);
});

for (const signal of ["SIGINT", "SIGTERM"] as const)
	it(`a batch that gets ${signal} while it writes ends when all is written`, async (t, tables) => {
		const tunnels = tables.open(tunnelTable);
		const child = spawn(
			process.execPath,
			[bin, "--bpffs", tables.bpffs, "batch", "-"],
			{ stdio: ["pipe", "ignore", "inherit"] },
		);
		const ended = once(child, "exit");
		child.stdin.end(`${lines.join("\n")}\n`);
		const [first] = (lines[0] as string).split(" ").slice(1, 2).map(Number);
		while (!tunnels.get(first as number) && child.exitCode === null)
			await sleep(1);
		child.kill(signal);
		const [code, by] = await ended;
		// It may have come to its end before the signal came.
		t.true(code === 0 || by === signal, `${code} ${by}`);
		t.is([...tunnels.entries()].length, lines.length);
		t.is(new Journal(tables.pins).read(), undefined);
	});

it("a coprocess answers each of 10 000 lines before the next is sent", async (t, tables) => {
	const child = spawn(process.execPath, [
		bin,
		...["--bpffs", tables.bpffs, "batch", "--stream", "-", "--json"],
	]);
	t.teardown(() => child.kill());
	child.stdout.setEncoding("utf8");
	let errors = 0;
	for (let id = 0; id < 10_000; id++) {
		const isError = id % 1000 === 999;
		const answered = once(child.stdout, "data");
		child.stdin.write(
			isError ? "del 77777\n" : `set ${id} 10.0.0.1 6080 0 0\n`,
		);
		const [answer] = (await answered) as [string];
		t.is(answer.indexOf("\n"), answer.length - 1);
		if (!isError) t.is(JSON.parse(answer).id, id);
		else if (JSON.parse(answer).error.code === "NOT_FOUND") errors++;
	}
	t.is(errors, 10);
	const ended = once(child, "close");
	child.stdin.end();
	t.deepEqual(await ended, [1, null]);
	t.is([...tables.open(tunnelTable).entries()].length, 9990);
});

it("lines that come in pieces, and all at once, are answered one by one", (t, tables) => {
	const script = `(printf '\\357\\273\\277set 1 10.0'; sleep 0.2; printf '.0.1 6080 0 0\\n\\nget 1\\nget 2\\nset x\\n@a7 get 1\\n@8\\n'; seq -f 'set %g 10.0.0.1 6080 0 0' 100 299; echo del 7; head -c 50000000 /dev/zero | tr '\\0' x; printf '\\n# done') | "$0" "$1" --bpffs "$2" batch --stream -; echo $?`;
	const out = execFileSync(
		"sh",
		["-c", script, process.execPath, bin, tables.bpffs],
		{
			encoding: "utf8",
			stdio: ["ignore", "pipe", "ignore"],
		},
	);
	t.deepEqual(out.split("\n"), [
		"ok\tTUN\t       1\t   10.0.0.1:6080 -> 0.0.0.0:0",
		"ok",
		"ok\tTUN\t       1\t   10.0.0.1:6080 -> 0.0.0.0:0\tunknown\tno ping\tDECAP\tudp\t10.0.0.1:6080\t1\t1 tunnel, 1 local endpoint",
		"error\tno tunnel 2",
		"error\tmissing: <ip-local> <port-local> <ip-remote> <port-remote>",
		"@a7\tok\tTUN\t       1\t   10.0.0.1:6080 -> 0.0.0.0:0\tunknown\tno ping\tDECAP\tudp\t10.0.0.1:6080\t1\t1 tunnel, 1 local endpoint",
		"@8\tok",
		// More than are carried out under one lock.
		...Array.from(
			{ length: 200 },
			(_, i) => `ok\tTUN\t     ${100 + i}\t   10.0.0.1:6080 -> 0.0.0.0:0`,
		),
		"error\tno tunnel 7",
		"error\ta line must not be longer than 65536 characters",
		"ok",
		"1",
		"",
	]);
	t.is([...tables.open(tunnelTable).entries()].length, 201);
	t.deepEqual(
		[...tables.open(decapTable).entries()].map(([, count]) => count),
		[201],
	);
});

it("a stream goes on with the tables that are pinned now", async (t, tables) => {
	const child = spawn(process.execPath, [
		bin,
		...["--bpffs", tables.bpffs, "batch", "--stream", "-"],
	]);
	t.teardown(() => child.kill());
	const ask = async (line: string) => {
		const answered = once(child.stdout, "data");
		child.stdin.write(`${line}\n`);
		return String((await answered)[0]).split("\t", 1)[0];
	};
	t.is(await ask("set 1 10.0.0.1 6080 0 0"), "ok");
	rmSync(tables.pins, { recursive: true });
	mkdirSync(tables.pins);
	const object = loadObject(tunnelTables(), { pinDirectory: tables.pins });
	t.teardown(() => object.close());
	t.is(await ask("get 1"), "error");
	t.is(await ask("set 2 10.0.0.1 6080 0 0"), "ok");
	t.deepEqual(
		[...tables.open(tunnelTable).entries()].map(([id]) => id),
		[2],
	);
});
