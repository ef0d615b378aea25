// Needs root and BPF: a batch of 100 000 lines.
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { Journal } from "@sluice/maps";
import { signedOnlyTable } from "@sluice/maps/tables";
import test from "ava";
import { withTables } from "../../testing/index.js";
import { numbers } from "../helpers/numbers.js";
import { spawnNumbers } from "../helpers/numbers-process.js";

const MANY = 100_000;
const it = withTables(test, { maxEntries: { map_signed_only: 2 * MANY } });
const lines = Array.from({ length: MANY }, (_, id) => `set ${id} 1`);

it("an error in line 99 999 is named, and nothing is changed", async (t, tables) => {
	const input = lines.with(99_998, "set 1 66666").join("\n");
	t.deepEqual(await tables.run(numbers, "batch -", { input }), {
		code: 2,
		out: "",
		err: 'numbers: batch: line 99999: number must be an integer from 0 to 65535, got "66666"\nnumbers: batch: 1 error: nothing was changed\n',
	});
	t.is([...tables.open(signedOnlyTable).entries()].length, 0);
});

for (const signal of ["SIGINT", "SIGTERM"] as const)
	it(`a batch that gets ${signal} while it writes ends when all is written`, async (t, tables) => {
		const table = tables.open(signedOnlyTable);
		const child = spawnNumbers(tables, "batch", "-");
		const ended = once(child, "exit");
		child.stdin.end(lines.join("\n"));
		while (table.get(0) === undefined && child.exitCode === null)
			await sleep(1);
		child.kill(signal);
		const [code, by] = await ended;
		// It may have come to its end before the signal came.
		t.true(code === 0 || by === signal, `${code} ${by}`);
		t.is([...table.entries()].length, MANY);
		t.is(new Journal(tables.pins).read(), undefined);
	});
