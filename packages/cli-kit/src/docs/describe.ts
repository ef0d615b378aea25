import type { Program } from "../command.js";
import type { Env } from "../env.js";
import { parse } from "../grammar.js";
import { toJson } from "../output.js";
import { manPage, SECTION } from "./man.js";

/**
 * Stands in for `run` where a bundle is made of a program's documents: prints its manual page and its completion
 * scripts, as one JSON document.
 */
export async function run(
	program: Program,
	_argv: readonly string[],
	env: Env,
): Promise<number> {
	const date = new Date(
		env.vars.SOURCE_DATE_EPOCH
			? 1000 * Number(env.vars.SOURCE_DATE_EPOCH)
			: Date.now(),
	);
	env.out(
		`${toJson({
			section: SECTION,
			man: manPage(program, date.toISOString().slice(0, 10)),
			bash: await completion(program, "bash"),
			zsh: await completion(program, "zsh"),
		})}\n`,
	);
	return 0;
}

/** yargs writes for the shell that it is started from. */
async function completion(program: Program, shell: string): Promise<string> {
	process.env.SHELL = `/bin/${shell}`;
	const parsed = await parse(program, ["completion"]);
	if (!("text" in parsed)) throw new Error("no completion script");
	return parsed.text;
}
