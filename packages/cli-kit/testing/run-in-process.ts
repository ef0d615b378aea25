import * as maps from "@sluice/maps";
import type { Cli } from "../src/command.js";
import type { Env, Kernel } from "../src/env.js";
import { run } from "../src/run.js";

/** What a program finds around it, where a test has it otherwise. */
export interface TestEnv {
	vars?: Record<string, string>;
	/** Standard input. */
	input?: string;
	kernel?: Kernel;
	/** Called with what is printed, to look or to fail. */
	out?: Env["out"];
	err?: Env["err"];
	/** Ends a command that runs until it is stopped. */
	stopped?: AbortSignal;
}

/** How a program ended, and all that it printed. */
export interface Ended {
	code: number;
	out: string;
	err: string;
}

/** Runs a program in this process, against the real kernel. What it opened is closed, as if the process had ended. */
export async function runInProcess(
	cli: Cli,
	words: readonly string[],
	{ vars = {}, input = "", kernel = maps, out, err, stopped }: TestEnv = {},
): Promise<Ended> {
	const printed = { out: "", err: "" };
	const opened: { close(): void }[] = [];
	const openTable: Kernel["openTable"] = (...args) => {
		const table = kernel.openTable(...args);
		opened.push(table);
		return table;
	};
	const code = await run(cli, words, {
		out: (text) => {
			out?.(text);
			printed.out += text;
		},
		err: (text) => {
			err?.(text);
			printed.err += text;
		},
		vars,
		isTerminal: false,
		input: () => input,
		...(stopped ? { stopped: () => stopped } : {}),
		kernel: async () => ({ ...kernel, openTable }),
	});
	for (const table of opened) table.close();
	return { code, ...printed };
}
