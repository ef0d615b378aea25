// Needs root and BPF: a coprocess that reads lines and answers them.
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, rmSync } from "node:fs";
import { loadObject } from "@sluice/maps";
import { signedOnlyTable } from "@sluice/maps/tables";
import { tunnelTables } from "@sluice/testbed";
import test from "ava";
import { withTables } from "../../testing/index.js";
import { program, spawnNumbers } from "../helpers/numbers-process.js";

const MANY = 2000;
const it = withTables(test, { maxEntries: { map_signed_only: MANY } });
const streaming = ["batch", "--stream", "-"];

it("a coprocess answers each line before the next is sent", async (t, tables) => {
	const child = spawnNumbers(tables, ...streaming, "--json");
	t.teardown(() => child.kill());
	child.stdout.setEncoding("utf8");
	let errors = 0;
	for (let id = 0; id < MANY; id++) {
		const isError = id % 1000 === 999;
		const answered = once(child.stdout, "data");
		child.stdin.write(isError ? "del 77777\n" : `set ${id} 1\n`);
		const [answer] = (await answered) as [string];
		t.is(answer.indexOf("\n"), answer.length - 1);
		if (!isError) t.is(JSON.parse(answer).id, id);
		else if (JSON.parse(answer).error.code === "NOT_FOUND") errors++;
	}
	t.is(errors, 2);
	const ended = once(child, "close");
	child.stdin.end();
	t.deepEqual(await ended, [1, null]);
	t.is([...tables.open(signedOnlyTable).entries()].length, MANY - errors);
});

it("lines that come in pieces, and all at once, are answered one by one", (t, tables) => {
	const script = `(printf '\\357\\273\\277set 1 1'; sleep 0.2; printf '0\\n\\nget 1\\nget 2\\nset x\\nset 1 "\\033\\t"\\n@a7 get 1\\n@8\\n'; seq -f 'set %g 1' 100 299; echo del 7; head -c 50000000 /dev/zero | tr '\\0' x; printf '\\n# done') | "$@" batch --stream -; echo $?`;
	const out = execFileSync(
		"sh",
		["-c", script, "sh", ...program, "--bpffs", tables.bpffs],
		{ encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] },
	);
	t.deepEqual(out.split("\n"), [
		"ok\t1\t10",
		"ok",
		"ok\t1\t10",
		"error\tno number 2",
		"error\tmissing: <number>",
		'error\tnumber must be an integer from 0 to 65535, got "\\x1b\\x09"',
		"@a7\tok\t1\t10",
		"@8\tok",
		// More than are carried out under one lock.
		...Array.from({ length: 200 }, (_, i) => `ok\t${100 + i}\t1`),
		"error\tno number 7",
		"error\ta line must not be longer than 65536 characters",
		"ok",
		"1",
		"",
	]);
	t.is([...tables.open(signedOnlyTable).entries()].length, 201);
});

it("a stream goes on with the tables that are pinned now", async (t, tables) => {
	const child = spawnNumbers(tables, ...streaming);
	t.teardown(() => child.kill());
	const ask = async (line: string) => {
		const answered = once(child.stdout, "data");
		child.stdin.write(`${line}\n`);
		return String((await answered)[0]).split("\t", 1)[0];
	};
	t.is(await ask("set 1 10"), "ok");
	rmSync(tables.pins, { recursive: true });
	mkdirSync(tables.pins);
	const object = loadObject(tunnelTables(), { pinDirectory: tables.pins });
	t.teardown(() => object.close());
	t.is(await ask("get 1"), "error");
	t.is(await ask("set 2 20"), "ok");
	t.deepEqual([...tables.open(signedOnlyTable).entries()], [[2, 20]]);
});
