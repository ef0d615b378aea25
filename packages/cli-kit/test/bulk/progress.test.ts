// Needs root and BPF: the progress line of a batch.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fixture } from "@sluice/testbed";
import test, { type ExecutionContext } from "ava";
import { intoPipes, onTerminal, withTables } from "../../testing/index.js";
import { program } from "../helpers/numbers-process.js";

const it = withTables(test);
const size = { rows: 24, columns: 80 };
const batch = (file: string) => [...program, "batch", file];

/** A file of so many thousand lines, which set the same number. */
function file(t: ExecutionContext, thousands: number): string {
	const directory = mkdtempSync(path.join(tmpdir(), "progress-"));
	t.teardown(() => rmSync(directory, { recursive: true }));
	const name = path.join(directory, "lines");
	writeFileSync(name, "set 1 10\n".repeat(1000 * thousands));
	return name;
}

it("a batch that takes longer than a second shows progress on a terminal", async (t, tables) => {
	const command = fixture("numbers-by-fast-clock", "batch", file(t, 30)).flat();
	const env = { TC_BPF_MNT: tables.bpffs };
	const { code, out } = await onTerminal(command, size, env).ended;
	t.is(code, 0);
	const [, progress = "", result] =
		/^((?:\r\d+ lines checked)+)\r␛\[K(.*)\r\n$/.exec(out) ?? [];
	t.is(result, "30000 lines: 1 row written, 0 deleted");
	const counts = [...progress.matchAll(/\d+/g)].map(([count]) => Number(count));
	t.deepEqual(
		counts,
		[...counts].sort((a, b) => a - b),
	);
	t.true((counts.at(-1) ?? 0) <= 30_000);

	t.is((await intoPipes(command, env).ended).err, "");
});

it("a short batch prints its result alone", async (t, tables) => {
	const env = { TC_BPF_MNT: tables.bpffs };
	t.deepEqual(await onTerminal(batch(file(t, 1)), size, env).ended, {
		code: 0,
		out: "1000 lines: 1 row written, 0 deleted\r\n",
		err: "",
	});
});
