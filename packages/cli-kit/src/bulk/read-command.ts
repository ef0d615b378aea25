import { type Command, type Program, verbOf } from "../command.js";
import type { Env } from "../env.js";
import { badInput } from "../failure.js";
import { commonOptions, NONE, readLine } from "../line.js";
import { explainLine } from "./explain-line.js";
import { splitWords } from "./words.js";

/** A line of a batch, read and checked. */
export interface ReadCommand {
	// biome-ignore lint/suspicious/noExplicitAny: each command keeps its own type to itself
	spec: Command<any>;
	parsed: unknown;
}

/** Where lines are carried out. */
type Stage = "batch" | "stream";

const stands: Record<Stage, readonly Command<unknown>["bulk"][]> = {
	batch: ["change"],
	stream: ["change", "show"],
};

/**
 * Reads one line of a batch.
 * @returns undefined for a line without a command: empty, or a comment
 * @throws Failure usage
 */
export function readCommand(
	program: Program,
	line: string,
	env: Env,
	stage: Stage,
): ReadCommand | undefined {
	const words = splitWords(line);
	if (words.length === 0) return undefined;
	const read = readLine(program, words);
	if (!read || hasCommonOption(program, read.values))
		throw badInput(explainLine(program, words));
	const { spec, args } = read;
	if (!stands[stage].includes(spec.bulk))
		throw badInput(`"${verbOf(spec)}" does not stand in a ${stage}`);
	return { spec, parsed: spec.parse(args, env) };
}

function hasCommonOption(
	{ options }: Program,
	values: Readonly<Record<string, unknown>>,
): boolean {
	if (values === NONE) return false;
	for (const name in commonOptions) if (name in values) return true;
	for (const name in options) if (name in values) return true;
	return false;
}

/** The world of a line: standard input is the batch itself, so no line can read it. */
export const envOfLine = (env: Env): Env => ({
	...env,
	out: env.out,
	input() {
		throw badInput("a line of a batch cannot read standard input");
	},
});
