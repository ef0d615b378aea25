import { LineErrors } from "./bulk/line-errors.js";
import { Args, type Program, verbOf } from "./command.js";
import { Context } from "./context.js";
import type { Env } from "./env.js";
import { explained } from "./explained.js";
import { exitCodes } from "./failure.js";
import { type Line, readLine } from "./line.js";
import { toJson } from "./output.js";

/**
 * Runs a program: the only place that catches, prints and chooses the exit code.
 * @returns the exit code
 */
export async function run(
	program: Program,
	argv: readonly string[],
	env: Env,
): Promise<number> {
	const words = program.oneDash ? argv.map(twoDashes) : argv;
	try {
		const line = readLine(program, words);
		if (line) await runLine(line, env);
		else await runByYargs(program, words, env);
		return 0;
	} catch (error) {
		return report(program, words, env, error);
	}
}

/** Whatever is not a plain, well-formed command line. */
async function runByYargs(
	program: Program,
	words: readonly string[],
	env: Env,
): Promise<void> {
	const { parse } = await import("./grammar.js");
	const parsed = await parse(program, words);
	if ("line" in parsed) await runLine(parsed.line, env);
	else env.out(parsed.text);
}

/** Parses everything, then opens, then does one thing, then prints. */
async function runLine({ spec, values }: Line, env: Env): Promise<void> {
	const parsed = spec.parse(new Args(values), env);
	const kernel = spec.kernel === false ? undefined : await env.kernel();
	await spec.run(parsed, new Context(env, kernel, values));
}

const twoDashes = (word: string) => word.replace(/^-(?=[a-z][a-z-]+)/, "--");

function report(
	program: Program,
	words: readonly string[],
	env: Env,
	error: unknown,
): number {
	const failure = explained(error);
	if (!failure) {
		env.err(
			`${program.name}: this is a bug in ${program.name}: ${(error as Error)?.stack ?? error}\n`,
		);
		return exitCodes.failed;
	}
	const { message, hint, code } = failure;
	const lines = error instanceof LineErrors ? error.lines : undefined;
	const json = words.includes("--json");
	const verb = words.find((word) =>
		program.commands.some((spec) => verbOf(spec) === word),
	);
	const prefix = [program.name, verb].filter(Boolean).join(": ");
	const withHint = (one: { message: string; hint?: string | undefined }) =>
		one.hint ? `${one.message}; ${one.hint}` : one.message;
	env.err(
		json
			? `${toJson({ error: { code, message, hint, lines } })}\n`
			: [
					...(lines ?? []).map(
						(one) => `${prefix}: line ${one.line}: ${withHint(one)}\n`,
					),
					`${prefix}: ${withHint(failure)}\n`,
				].join(""),
	);
	return exitCodes[failure.kind];
}
