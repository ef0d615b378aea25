import type { AnyCommand, Cli } from "./command.js";
import { completion } from "./completion/command.js";
import { verbOf } from "./usage.js";

const vocabularies = new WeakMap<Cli, Map<string, AnyCommand>>();

/** The commands of a program by their words. */
export function verbsOf(cli: Cli): ReadonlyMap<string, AnyCommand> {
	let verbs = vocabularies.get(cli);
	if (!verbs) {
		const commands = [
			...cli.commands,
			completion(cli, () => verbsOf(cli).values()),
		];
		verbs = new Map(commands.map((spec) => [verbOf(spec), spec]));
		vocabularies.set(cli, verbs);
	}
	return verbs;
}
