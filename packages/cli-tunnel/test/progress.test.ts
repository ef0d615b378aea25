// The progress line of the built program.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import {
	intoPipes,
	onTerminal,
	type PinnedTables,
	withTables,
} from "@sluice/cli-kit/testing";
import test, { type ExecutionContext } from "ava";

const it = withTables(test);
const bin = path.join(import.meta.dirname, "../dist/cli_tunnel.cjs");
const size = { rows: 24, columns: 80 };
const variables = (tables: PinnedTables) => ({ TC_BPF_MNT: tables.bpffs });

/** A file of so many thousand lines, which set the same tunnel. */
function file(t: ExecutionContext, thousands: number): string {
	const directory = mkdtempSync(path.join(tmpdir(), "progress-"));
	t.teardown(() => rmSync(directory, { recursive: true }));
	const name = path.join(directory, "lines");
	writeFileSync(name, "set 1 10.0.0.1 6080 0 0\n".repeat(1000 * thousands));
	return name;
}

it("a batch that takes longer than a second shows progress on a terminal", async (t, tables) => {
	t.timeout(180_000);
	// How many lines last a second depends on the machine.
	for (const thousands of [200, 800, 3200]) {
		const lines = file(t, thousands);
		const batch = onTerminal([bin, "batch", lines], size, variables(tables));
		const { code, out } = await batch.ended;
		t.is(code, 0);
		const [, progress = "", result] =
			/^((?:\r\d+ lines checked)+)\r␛\[K(.*)\r\n$/.exec(out) ?? [];
		if (progress === "") continue;
		t.regex(
			result ?? "",
			new RegExp(`^${thousands}000 lines: [02] rows written, 0 deleted$`),
		);
		const counts = [...progress.matchAll(/\d+/g)].map(([count]) =>
			Number(count),
		);
		t.deepEqual(
			counts,
			[...counts].sort((a, b) => a - b),
		);
		t.true((counts.at(-1) ?? 0) <= 1000 * thousands);

		const piped = intoPipes([bin, "batch", lines], variables(tables));
		t.is((await piped.ended).err, "");
		return;
	}
	t.fail("no batch took longer than a second");
});

it("a short batch prints its result alone", async (t, tables) => {
	const batch = onTerminal([bin, "batch", file(t, 1)], size, variables(tables));
	t.deepEqual(await batch.ended, {
		code: 0,
		out: "1000 lines: 2 rows written, 0 deleted\r\n",
		err: "",
	});
});
