import type { ExecutionContext } from "ava";
import type { Cli } from "../src/command.js";
import type { PinnedTables } from "./pinned-tables.js";
import type { TestEnv } from "./run-in-process.js";

/** A command line without the program's name, and everything that must come back: a pattern where it holds a time. */
export interface Step {
	code?: number;
	out?: string | RegExp;
	err?: string | RegExp;
	type: string | readonly string[];
	/** What is around this command alone. */
	env?: TestEnv;
}

/** Types command lines one after the other; what is not said to be printed must not be, and the exit code is 0. */
export async function session(
	t: ExecutionContext,
	tables: PinnedTables,
	cli: Cli,
	steps: readonly Step[],
): Promise<void> {
	for (const { type, env, code = 0, out = "", err = "" } of steps) {
		const ended = await tables.run(cli, type, env);
		const as = (text: string, wanted: string | RegExp) =>
			wanted instanceof RegExp && wanted.test(text) ? wanted : text;
		t.deepEqual(
			{ type, ...ended, out: as(ended.out, out), err: as(ended.err, err) },
			{ type, code, out, err },
		);
	}
}
