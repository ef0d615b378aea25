import type { AnyCommand, Cli, Command } from "../command.js";
import type { Env } from "../env.js";
import { badInput } from "../failure.js";
import { readLine } from "../line.js";
import { mistakeText } from "../mistake.js";
import { parseArguments } from "../parse-arguments.js";
import { verbOf } from "../usage.js";
import { splitWords } from "./words.js";

/** A line of a batch, read and checked. */
export interface ReadCommand {
	spec: AnyCommand;
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
	cli: Cli,
	line: string,
	env: Env,
	stage: Stage,
): ReadCommand | undefined {
	const words = splitWords(line);
	if (words.length === 0) return undefined;
	const read = readLine(cli, words, true);
	if ("what" in read) throw badInput(mistakeText(cli, read));
	const { spec } = read;
	if (!stands[stage].includes(spec.bulk))
		throw badInput(`"${verbOf(spec)}" does not stand in a ${stage}`);
	return { spec, parsed: parseArguments(cli, read, env) };
}

/**
 * The environment of a line: standard input is the batch itself, so no line can read it. What `env` has getters for is
 * not asked for here: that loads modules.
 */
export const envOfLine = (env: Env, own: Partial<Env> = {}): Env =>
	Object.assign(Object.create(env), {
		input() {
			throw badInput("a line of a batch cannot read standard input");
		},
		...own,
	});
