import {
	type AnyCommand,
	Args,
	type Cli,
	type Item,
	type OptionSpec,
	optionsOf,
	valuesOf,
} from "./command.js";
import { assign, type Form, formsOf, ONLY } from "./usage.js";
import { verbsOf } from "./vocabulary.js";

/** A command line taken apart. */
export interface Line {
	spec: AnyCommand;
	/** Options by name. */
	values: Readonly<Record<string, unknown>>;
	/** The words that are no options, without the command's. */
	plain: readonly string[];
	args: Args;
}

/** What is wrong with a command line. */
export interface Mistake {
	what:
		| "no command"
		| "unknown command"
		| "unknown option"
		/** An option of the program, in a line of a batch. */
		| "common option"
		| "value missing"
		| "value unwanted"
		| "argument missing"
		| "argument unwanted";
	/** The word, without the value that an option has behind `=`. */
	word: string | undefined;
	/** What was expected, as usages have it: "<ip-remote> <port-remote>", "all or <service-id>". */
	expected: string | undefined;
	/** The command, as far as it is known. */
	spec: AnyCommand | undefined;
	/** The options that were read, and the words that are none, without the command's. */
	values: Readonly<Record<string, unknown>>;
	plain: readonly string[];
}

/** No options, as in nearly all lines of a batch. */
const NONE: Record<string, unknown> = Object.freeze({});

/**
 * Reads a command line by the program's description.
 * @param isBulk it is one line of many, where options of the program are refused
 */
export function readLine(
	cli: Cli,
	words: readonly string[],
	isBulk = false,
): Line | Mistake {
	let values = NONE;
	const plain: string[] = [];
	const verbs = verbsOf(cli);
	// The default command, unless a verb follows.
	const only = verbs.get(ONLY);
	let spec = only;
	const mistake = ({ what, word, expected }: Problem): Mistake => ({
		what,
		word,
		expected,
		spec,
		values,
		plain,
	});
	for (let i = 0; i < words.length; i++) {
		const word = words[i] as string;
		if (word === "--") {
			plain.push(...words.slice(i + 1));
			break;
		}
		if (isPlain(word) || (spec?.minusWords && MINUS_WORD.test(word))) {
			const verb =
				spec === only && plain.length === 0 ? verbs.get(word) : undefined;
			if (verb) {
				spec = verb;
				const refused = firstRefused(cli, verb, values);
				if (refused) return mistake({ what: "unknown option", word: refused });
			} else if (spec) plain.push(word);
			else return mistake({ what: "unknown command", word });
			continue;
		}
		if (values === NONE) values = {};
		const taken = readOption(cli, spec, words, i, values, isBulk);
		if (typeof taken === "number") i += taken - 1;
		else return mistake(taken);
	}
	if (!spec) return mistake({ what: "no command" });
	const form = formFor(formsOf(spec), plain);
	if ("items" in form) {
		const args = new Args(values, plain, assign(form, plain.length));
		return { spec, values, plain, args };
	}
	// Where the command without a verb takes no arguments, an argument is meant as a verb.
	const isVerb =
		spec === only &&
		form.what === "argument unwanted" &&
		formsOf(spec).every(({ most }) => most === 0) &&
		cli.commands.length > 1;
	return mistake(isVerb ? { ...form, what: "unknown command" } : form);
}

/** Whether a word is not an option. A negative number is a wrong value, not an option. */
const isPlain = (word: string) =>
	word.charCodeAt(0) !== DASH || /^-[\d.]*$/.test(word);

/** `-dump`; `-h` is an option. */
const MINUS_WORD = /^-[a-z][a-z-]+$/;

const DASH = "-".charCodeAt(0);

/** The first option before the verb that is not the verb's. */
function firstRefused(
	cli: Cli,
	verb: AnyCommand,
	values: Readonly<Record<string, unknown>>,
): string | undefined {
	if (values === NONE) return undefined;
	const options = optionsOf(cli, verb);
	const name = Object.keys(values).find((one) => !Object.hasOwn(options, one));
	return name && `--${name}`;
}

/** What is wrong, without the command. */
interface Problem {
	what: Mistake["what"];
	word?: string | undefined;
	expected?: string | undefined;
}

/** Reads the option at `words[at]`. @returns how many words it took */
function readOption(
	cli: Cli,
	spec: AnyCommand | undefined,
	words: readonly string[],
	at: number,
	values: Record<string, unknown>,
	isBulk: boolean,
): number | Problem {
	const typed = words[at] as string;
	const equals = typed.indexOf("=");
	const word = equals < 0 ? typed : typed.slice(0, equals);
	const options = optionsOf(cli, spec);
	const name = nameOf(options, word);
	const option = name === undefined ? undefined : options[name];
	if (name === undefined || !option) return { what: "unknown option", word };
	if (isBulk && !Object.hasOwn(spec?.options ?? {}, name))
		return { what: "common option", word };
	if (option.type !== "string" && equals < 0) {
		values[name] = true;
		return 1;
	}
	if (option.type === "boolean") return { what: "value unwanted", word };
	const value = equals < 0 ? words[at + 1] : typed.slice(equals + 1);
	if (value === undefined || (equals < 0 && !isPlain(value)))
		return { what: "value missing", word };
	// A script's variable that is not set.
	if (value === "" && valuesOf(cli, option.value ?? name) === "file")
		return { what: "value missing", word };
	values[name] = value;
	return equals < 0 ? 2 : 1;
}

/** The name of the option that is written `--size` or `-s`. */
function nameOf(
	options: Readonly<Record<string, OptionSpec>>,
	word: string,
): string | undefined {
	if (word.startsWith("--")) {
		const name = word.slice(2);
		return Object.hasOwn(options, name) ? name : undefined;
	}
	return Object.keys(options).find(
		(name) => options[name]?.alias === word.slice(1),
	);
}

/** The form of the command that matches the words, or the mistake in them. */
function formFor(
	forms: readonly Form[],
	words: readonly string[],
): Form | Problem {
	const meant = forms.length === 1 ? forms : meantBy(forms, words);
	for (const form of meant)
		if (words.length >= form.least && words.length <= form.most) return form;
	const short = meant.filter(({ least }) => words.length < least);
	if (short.length === 0) {
		const most = Math.max(0, ...meant.map((form) => form.most));
		return { what: "argument unwanted", word: words[most] };
	}
	const missing = short.map(({ items }) =>
		items
			.filter(({ required }) => required)
			.slice(words.length)
			.map(({ text }) => text),
	);
	return {
		what: "argument missing",
		expected:
			missing.length === 1
				? missing[0]?.join(" ")
				: [...new Set(missing.map(([first]) => first))].join(" or "),
	};
}

/** The forms whose keywords were typed, else those without keywords there. */
function meantBy(
	forms: readonly Form[],
	words: readonly string[],
): readonly Form[] {
	const own = ({ name }: Item, i: number) =>
		name === undefined && i < words.length;
	const named = forms.filter(({ items }) =>
		items.some((item, i) => own(item, i) && item.text === words[i]),
	);
	return named.length > 0
		? named
		: forms.filter(({ items }) => !items.some(own));
}
