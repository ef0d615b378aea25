import {
	type AnyCommand,
	commonOptions,
	type OptionSpec,
	type Program,
} from "./command.js";
import { completion } from "./completion/command.js";
import { verbOf } from "./usage.js";

const vocabularies = new WeakMap<Program, Map<string, AnyCommand>>();

/** The commands of a program by their words. */
export function verbsOf(program: Program): ReadonlyMap<string, AnyCommand> {
	let verbs = vocabularies.get(program);
	if (!verbs) {
		const commands = [...program.commands, completion(program)];
		verbs = new Map(commands.map((spec) => [verbOf(spec), spec]));
		vocabularies.set(program, verbs);
	}
	return verbs;
}

/** The options that a command takes. */
export const optionsOf = (
	program: Program,
	spec: AnyCommand | undefined,
): Readonly<Record<string, OptionSpec>> => ({
	...commonOptions,
	...program.options,
	...spec?.options,
});
