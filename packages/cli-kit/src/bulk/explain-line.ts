import { type OptionSpec, type Program, verbOf } from "../command.js";
import { commonOptions, positionalsOf } from "../line.js";

/** Why `readLine` does not take a line, in the words that yargs would have for it on a command line. */
export function explainLine(
	program: Program,
	words: readonly string[],
): string {
	const verb = words.find((word) => !word.startsWith("-"));
	const spec = program.commands.find((one) => verbOf(one) === verb);
	if (!spec) return verb ? `unknown command "${verb}"` : "no command";
	const options: Record<string, OptionSpec> = { ...spec.options };
	const plain: string[] = [];
	for (let i = 0; i < words.length; i++) {
		const word = words[i] as string;
		if (word === "--") {
			plain.push(...words.slice(i + 1));
			break;
		}
		if (!word.startsWith("-") || word === "-") {
			plain.push(word);
			continue;
		}
		const [name = "", inline] = word.replace(/^--?/, "").split("=", 2);
		if (Object.hasOwn({ ...commonOptions, ...program.options }, name))
			return `"--${name}" stands on the command line, not in a line of a batch`;
		const option = options[name];
		if (!option) return `unknown argument "${word}"`;
		if (option.type === "boolean") {
			if (inline !== undefined) return `"--${name}" takes no value`;
		} else if (inline === undefined) {
			const value = words[++i];
			if (value === undefined || /^-./.test(value))
				return `"--${name}" needs a value`;
		}
	}
	const positionals = positionalsOf(spec.usage);
	const needed = positionals.filter(({ required }) => required).length;
	const got = plain.length - 1;
	return got < needed
		? `too few arguments: got ${got}, needs ${needed}`
		: `too many arguments: got ${got}, takes ${positionals.length}`;
}
