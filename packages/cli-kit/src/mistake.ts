import { closestMatch } from "leven";
import { type Cli, optionsOf } from "./command.js";
import { Failure } from "./failure.js";
import type { Mistake } from "./line.js";
import { takesSecret, usageLine, verbOf } from "./usage.js";

/** What is wrong with a command line, in words. */
export function mistakeText(cli: Cli, mistake: Mistake): string {
	const { what, word, expected, spec } = mistake;
	// What is not where it belongs may be the secret.
	const hidden = spec !== undefined && takesSecret(cli, spec);
	switch (what) {
		case "no command":
			return "no command";
		case "unknown command":
			return `unknown command "${word}"`;
		case "unknown option":
			return hidden
				? "unknown option; a value that begins with a dash goes after --"
				: `unknown option "${word}"`;
		case "common option":
			return `"${word}" stands on the command line, not in a line of a batch`;
		case "value missing":
			return `"${word}" needs a value`;
		case "value unwanted":
			return `"${word}" takes no value`;
		case "argument missing":
			return `missing: ${expected}`;
		case "argument unwanted":
			return hidden ? "too many arguments" : `unexpected argument "${word}"`;
	}
}

/** A mistake as the error to report: with the usage of the command, or the command that may be meant. */
export function explainMistake(cli: Cli, mistake: Mistake): Failure {
	const { spec } = mistake;
	const meant = meantBy(cli, mistake);
	const seeHelp =
		spec && mistake.what !== "unknown command"
			? undefined
			: `see "${cli.name} --help"`;
	const hint = meant === undefined ? seeHelp : `did you mean "${meant}"?`;
	return new Failure("usage", mistakeText(cli, mistake), {
		...(hint === undefined ? {} : { hint }),
		...(spec ? { usage: usageLine(cli, spec) } : {}),
	});
}

/** The command or option that may be meant. */
function meantBy(
	cli: Cli,
	{ what, word = "", spec }: Mistake,
): string | undefined {
	if (what === "unknown command") {
		const verbs = cli.commands.map(verbOf);
		const synonym = verbs.find((verb) => synonyms[verb]?.includes(word));
		return synonym ?? nearest(word, verbs);
	}
	if (what !== "unknown option" || (spec && takesSecret(cli, spec)))
		return undefined;
	const options = Object.keys(optionsOf(cli, spec));
	const name = nearest(word.replace(/^-+/, ""), options);
	return name && `--${name}`;
}

/** What other tools call our commands. */
const synonyms: Readonly<Record<string, readonly string[]>> = {
	set: ["add", "create", "new", "put", "replace", "update"],
	get: ["show", "list", "ls", "read", "dump"],
	del: ["delete", "remove", "rm", "unset"],
	status: ["show", "get", "ls"],
	bind: ["add", "set"],
	unbind: ["del", "delete", "remove", "rm"],
};

/** Letters that may differ in a mistyped word. */
const MOST_DIFFERENT = 3;

/** The word that begins so, or is spelt most alike, if one is. */
function nearest(word: string, words: readonly string[]): string | undefined {
	const longer = words.filter((one) => one.startsWith(word));
	if (word.length > 1 && longer.length === 1) return longer[0];
	const closest = closestMatch(word, words, { maxDistance: MOST_DIFFERENT });
	// By the number of letters alone, "xyz" is "size".
	const isLike = closest?.[0] === word[0] || closest?.at(-1) === word.at(-1);
	return isLike ? closest : undefined;
}
