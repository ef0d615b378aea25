import { LineErrors } from "./bulk/line-errors.js";
import { type Program, verbOf } from "./command.js";
import { Context } from "./context.js";
import type { Env } from "./env.js";
import { explained } from "./explained.js";
import { badInput, exitCodes, Failure } from "./failure.js";
import { commonOptions, type Line, readLine, unreadWord } from "./line.js";
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
	const words = program.oneDash ? twoDashes(argv) : argv;
	try {
		const line = readLine(program, words);
		if (line) await runLine(program, line, env);
		else await askYargs(program, words, env);
		return 0;
	} catch (error) {
		return report(program, words, env, error);
	}
}

/** Prints what was asked for beside the commands: help, the version, completion. @throws Failure usage */
async function askYargs(
	program: Program,
	words: readonly string[],
	env: Env,
): Promise<void> {
	const { parse } = await import("./grammar.js");
	const parsed = await parse(program, words);
	if ("text" in parsed) return env.out(parsed.text);
	// yargs has ways to write things that are nobody's habit here, such as --json=yes, and reads some of them oddly.
	throw badInput(
		`cannot read "${unreadWord(program, words) ?? words.join(" ")}"`,
		`see "${program.name} --help"`,
	);
}

/** Parses everything, then opens, then does one thing, then prints. */
async function runLine(
	{ pins }: Program,
	{ spec, values, args }: Line,
	env: Env,
): Promise<void> {
	const parsed = spec.parse(args, env);
	const kernel = spec.kernel === false ? undefined : await env.kernel();
	await spec.run(parsed, new Context(env, kernel, values, pins));
}

/** A message as one line: what was typed may hold newlines, and worse for a terminal. */
const oneLine = (message: string) =>
	// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
	message.replace(/[\x00-\x1f\x7f-\x9f]/g, (character) =>
		character === "\n"
			? "\\n"
			: `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`,
	);

/** Words before `--`, which are the command's, and from there on, which are only ever values. */
function split(words: readonly string[]): [string[], string[]] {
	const end = words.indexOf("--");
	return end < 0 ? [[...words], []] : [words.slice(0, end), words.slice(end)];
}

function twoDashes(words: readonly string[]): string[] {
	const [own, values] = split(words);
	return [
		...own.map((word) => word.replace(/^-(?=[a-z][a-z-]+)/, "--")),
		...values,
	];
}

/** The command's word in a line that could not be read, for the message. */
function verbIn(
	program: Program,
	words: readonly string[],
): string | undefined {
	const options = { ...commonOptions, ...program.options };
	const takesNext = (word: string) =>
		options[word.replace(/^--/, "")]?.type === "string";
	return words.find(
		(word, i) =>
			program.commands.some((spec) => verbOf(spec) === word) &&
			!takesNext(words[i - 1] ?? ""),
	);
}

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
	const messages = error instanceof Failure ? error.messages : [message];
	const lines = error instanceof LineErrors ? error.lines : undefined;
	const [own] = split(words);
	const json = own.includes("--json");
	const prefix = [program.name, verbIn(program, own)]
		.filter(Boolean)
		.join(": ");
	const withHint = (one: { message: string; hint?: string | undefined }) =>
		oneLine(one.hint ? `${one.message}; ${one.hint}` : one.message);
	env.err(
		json
			? `${toJson({ error: { code, message, hint, lines } })}\n`
			: [
					...(lines ?? []).map(
						(one) => `${prefix}: line ${one.line}: ${withHint(one)}\n`,
					),
					...messages.map(
						(one) => `${prefix}: ${withHint({ message: one, hint })}\n`,
					),
				].join(""),
	);
	return exitCodes[failure.kind];
}
