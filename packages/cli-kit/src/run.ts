import { LineErrors } from "./bulk/line-errors.js";
import type { AnyCommand, Cli } from "./command.js";
import { Context } from "./context.js";
import type { Env } from "./env.js";
import { explained } from "./explained.js";
import { exitCodes, Failure } from "./failure.js";
import { type Line, readLine } from "./line.js";
import { explainMistake } from "./mistake.js";
import { oneLine, toJson } from "./output.js";
import { parseArguments } from "./parse-arguments.js";
import { realEnv } from "./real-env.js";
import { typedVerb } from "./usage.js";

/**
 * Runs the program that this process was started for, and exits. All output has been written by then. That Node takes
 * itself apart when nothing is left to wait for costs a tenth of its start.
 */
export async function main(cli: Cli): Promise<never> {
	process.exit(await run(cli, process.argv.slice(2), realEnv));
}

/**
 * Runs a program: the only place that catches, prints and chooses the exit code.
 * @returns the exit code
 */
export async function run(
	cli: Cli,
	argv: readonly string[],
	env: Env,
): Promise<number> {
	const words = cli.oneDash ? twoDashes(argv) : argv;
	const [own] = split(words);
	const line = readLine(cli, words);
	try {
		if (own[0] === COMPLETE) await listValues(cli, words.slice(1), env);
		else if (own.includes("--help") || own.includes("-h"))
			await printHelp(cli, line.spec, own, env);
		else if (own.includes("--version")) printVersion(cli, own, env);
		else if ("what" in line) throw explainMistake(cli, line);
		else await runLine(cli, line, env);
		return 0;
	} catch (error) {
		return report(cli, line.spec, own.includes("--json"), env, error);
	}
}

/** Asked for by completion scripts: see complete.ts. */
const COMPLETE = "--complete";

async function listValues(
	cli: Cli,
	words: readonly string[],
	env: Env,
): Promise<void> {
	const { listValues } = await import("./completion/list-values.js");
	await listValues(cli, words, env);
}

async function printHelp(
	cli: Cli,
	spec: AnyCommand | undefined,
	own: readonly string[],
	env: Env,
): Promise<void> {
	const named = spec && typedVerb(spec) ? spec : undefined;
	if (own.includes("--json")) {
		const { programDocument } = await import("./docs/document.js");
		return env.out(`${toJson(programDocument(cli, named))}\n`);
	}
	const { helpText } = await import("./help.js");
	env.out(await helpText(cli, named, env.columns ?? 80));
}

function printVersion(
	{ version }: Cli,
	own: readonly string[],
	env: Env,
): void {
	env.out(own.includes("--json") ? `${toJson({ version })}\n` : `${version}\n`);
}

/** Parses everything, then opens, then does one thing, then prints. */
async function runLine(cli: Cli, line: Line, env: Env): Promise<void> {
	const { spec, values } = line;
	const parsed = parseArguments(cli, line, env);
	const kernel = spec.kernel === false ? undefined : await env.kernel();
	const { pins } = cli;
	const guard = kernel && (await pins?.guard?.());
	const name = nameOf(cli, spec);
	const context = new Context({
		...{ env, kernel, pins, guard, name },
		options: values,
	});
	await spec.run(parsed, context);
}

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

/** Who speaks: the program, and the command where it has a word of its own. */
const nameOf = ({ name }: Cli, spec: AnyCommand | undefined) =>
	[name, spec && typedVerb(spec)].filter(Boolean).join(": ");

function report(
	cli: Cli,
	spec: AnyCommand | undefined,
	json: boolean,
	env: Env,
	error: unknown,
): number {
	const failure = explained(error);
	if (!failure) {
		env.err(
			`${cli.name}: this is a bug in ${cli.name}: ${(error as Error)?.stack ?? error}\n`,
		);
		return exitCodes.failed;
	}
	const { message, hint, usage, code } = failure;
	const messages = error instanceof Failure ? error.messages : [message];
	const lines = error instanceof LineErrors ? error.lines : undefined;
	const prefix = nameOf(cli, spec);
	const withHint = (one: { message: string; hint?: string | undefined }) =>
		oneLine(one.hint ? `${one.message}; ${one.hint}` : one.message);
	env.err(
		json
			? `${toJson({ error: { code, message, hint, usage, lines } })}\n`
			: [
					...(lines ?? []).map(
						(one) => `${prefix}: line ${one.line}: ${withHint(one)}\n`,
					),
					...messages.map(
						(one) => `${prefix}: ${withHint({ message: one, hint })}\n`,
					),
					...(usage === undefined ? [] : [`usage: ${usage}\n`]),
				].join(""),
	);
	return exitCodes[failure.kind];
}
