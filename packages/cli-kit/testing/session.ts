import type { ExecutionContext } from "ava";
import type { Program } from "../src/command.js";
import type { PinnedTables } from "./pinned-tables.js";
import type { Ended, World } from "./run-in-process.js";

/** A command line without the program's name, and everything that must come back. */
export interface Step extends Partial<Ended> {
	type: string | readonly string[];
	/** What is around this command alone. */
	world?: World;
}

/** Types command lines one after the other; what is not said to be printed must not be, and the exit code is 0. */
export async function session(
	t: ExecutionContext,
	tables: PinnedTables,
	program: Program,
	steps: readonly Step[],
): Promise<void> {
	for (const { type, world, code = 0, out = "", err = "" } of steps)
		t.deepEqual(
			{ type, ...(await tables.run(program, type, world)) },
			{ type, code, out, err },
		);
}
