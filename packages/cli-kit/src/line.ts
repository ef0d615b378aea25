import {
	Args,
	type Command,
	ONLY,
	type OptionSpec,
	type Positional,
	type Program,
	verbOf,
} from "./command.js";

/** A command line taken apart. */
export interface Line {
	// biome-ignore lint/suspicious/noExplicitAny: each command keeps its own type to itself
	spec: Command<any>;
	/** Options by name. */
	values: Readonly<Record<string, unknown>>;
	args: Args;
}

/** Options that every command has. */
export const commonOptions: Readonly<Record<string, OptionSpec>> = {
	json: { type: "boolean", describe: "Print one JSON document" },
	bpffs: {
		type: "string",
		describe: "The bpffs to use [default: $TC_BPF_MNT, else /sys/fs/bpf]",
	},
};

/**
 * Reads a well-formed command line by the same description that yargs is given, without the cost of yargs, which is
 * half of a short command's time and a hundred times a batch line's.
 *
 * @returns undefined for anything else, a mistake or a request for help: yargs then says what
 */
export function readLine(
	program: Program,
	words: readonly string[],
): Line | undefined {
	const read = scan(program, words);
	return "spec" in read ? read : undefined;
}

/** The word at which `readLine` gives up; undefined where words are missing or too many. */
export function unreadWord(
	program: Program,
	words: readonly string[],
): string | undefined {
	const read = scan(program, words);
	return "spec" in read || read.at === undefined ? undefined : words[read.at];
}

function scan(
	program: Program,
	words: readonly string[],
): Line | { at: number | undefined } {
	let values = NONE;
	const plain: string[] = [];
	const verbs = verbsOf(program);
	// What a program does without a word of its own, until a verb says otherwise.
	const only = verbs.get(ONLY);
	let spec = only;
	for (let i = 0; i < words.length; i++) {
		const word = words[i] as string;
		if (word === "--") {
			plain.push(...words.slice(i + 1));
			break;
		}
		if (isPlain(word)) {
			const verb =
				spec === only && plain.length === 0 ? verbs.get(word) : undefined;
			if (verb) {
				if (!knowsAll(program, verb, values)) return { at: i };
				spec = verb;
			} else if (spec) plain.push(word);
			else return { at: i };
			continue;
		}
		if (values === NONE) values = {};
		const options = { ...commonOptions, ...program.options, ...spec?.options };
		const taken = readOption(options, words, i, values);
		if (taken === 0) return { at: i };
		i += taken - 1;
	}
	if (!spec) return { at: undefined };
	const positionals = positionalsOf(spec.usage);
	return isEnough(positionals, plain.length)
		? { spec, values, args: new Args(values, plain, positionals) }
		: { at: undefined };
}

/** No options, as in nearly all lines of a batch, which are known by it. */
export const NONE: Record<string, unknown> = Object.freeze({});

/** Whether a word is not an option. A negative number is a wrong value, not an option. */
const isPlain = (word: string) =>
	word.charCodeAt(0) !== DASH || /^-[\d.]*$/.test(word);

const DASH = "-".charCodeAt(0);

const vocabularies = new WeakMap<Program, Map<string, Line["spec"]>>();

/** The commands of a program by their words. */
function verbsOf(program: Program): Map<string, Line["spec"]> {
	let verbs = vocabularies.get(program);
	if (!verbs) {
		verbs = new Map(program.commands.map((spec) => [verbOf(spec), spec]));
		vocabularies.set(program, verbs);
	}
	return verbs;
}

/** Whether options that stand before the verb are the verb's. */
function knowsAll(
	program: Program,
	verb: Line["spec"],
	values: Readonly<Record<string, unknown>>,
): boolean {
	if (values === NONE) return true;
	const options = { ...commonOptions, ...program.options, ...verb.options };
	return Object.keys(values).every((name) => Object.hasOwn(options, name));
}

/** Reads the option at `words[at]`. Returns how many words it took, 0 if it is not one. */
function readOption(
	options: Readonly<Record<string, OptionSpec>>,
	words: readonly string[],
	at: number,
	values: Record<string, unknown>,
): number {
	const match = /^(?:--([a-z][a-z-]*)|-([a-z]))(?:=(.*))?$/s.exec(
		words[at] as string,
	);
	const name = match?.[1] ?? ofLetter(options, match?.[2]);
	if (name === undefined || !Object.hasOwn(options, name)) return 0;
	const inline = match?.[3];
	if (options[name]?.type === "boolean") {
		if (inline !== undefined) return 0;
		values[name] = true;
		return 1;
	}
	const value = inline ?? words[at + 1];
	if (value === undefined || (inline === undefined && /^-./.test(value)))
		return 0;
	values[name] = value;
	return inline === undefined ? 2 : 1;
}

/** The option that a letter stands for. */
const ofLetter = (
	options: Readonly<Record<string, OptionSpec>>,
	letter: string | undefined,
) =>
	letter === undefined
		? undefined
		: Object.keys(options).find((name) => options[name]?.alias === letter);

const known = new Map<string, Positional[]>();

/** The positionals of a usage: "set <id> [words..]" has id, required, and words, variadic. */
export function positionalsOf(usage: string): Positional[] {
	let positionals = known.get(usage);
	if (!positionals) {
		positionals = [...usage.matchAll(/([<[])([^>\].]+)(\.\.)?[>\]]/g)].map(
			([, bracket, name, dots]) => ({
				// `<id|all>`: one argument with two readings, called by the first.
				name: (name as string).split("|", 1)[0] as string,
				required: bracket === "<",
				variadic: dots !== undefined,
			}),
		);
		known.set(usage, positionals);
	}
	return positionals;
}

function isEnough(positionals: readonly Positional[], words: number): boolean {
	for (let i = words; i < positionals.length; i++)
		if (positionals[i]?.required) return false;
	return words <= positionals.length || positionals.at(-1)?.variadic === true;
}
