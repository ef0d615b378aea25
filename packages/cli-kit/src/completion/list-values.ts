import { type Cli, valuesOf } from "../command.js";
import { Context } from "../context.js";
import type { Env } from "../env.js";
import { explained } from "../explained.js";
import { readLine } from "../line.js";

/** More than a person reads. */
const MOST = 1000;

/**
 * Prints what completes a word, one a line: `--complete <name> <typed> <words before the cursor>...`. Completion scripts
 * call it for values from the tables. If they cannot be read, it prints nothing: an error would disturb the prompt.
 */
export async function listValues(
	cli: Cli,
	[name = "", typed = "", ...words]: readonly string[],
	env: Env,
): Promise<void> {
	const list = valuesOf(cli, name);
	if (typeof list !== "function") return;
	const { values, plain } = readLine(cli, words);
	try {
		const { pins } = cli;
		const context = new Context({
			...{ env, pins, name: cli.name },
			kernel: await env.kernel(),
			guard: await pins?.guard?.(),
			options: values,
		});
		let count = 0;
		for (const value of await list(context, plain, typed)) {
			if (!value.startsWith(typed)) continue;
			env.out(`${value}\n`);
			if (++count === MOST) break;
		}
	} catch (error) {
		if (!explained(error)) throw error;
	}
}
