import type { Context } from "./context.js";
import type { Env } from "./env.js";
import type { Pins } from "./pins.js";

/** An option of one command. */
export interface OptionSpec {
	/** A flag, an option with a value, or a flag that may have a value behind `=`. */
	type: "boolean" | "string" | "optional";
	describe: string;
	/** A single letter, for `-i`. */
	alias?: string;
	/** What the value is called in help, `file`, and what completes it: see `Cli.values`. */
	value?: string;
}

/** One argument of a usage. */
export interface Item {
	/** As it is written, `<id>|all`. */
	text: string;
	/** The name between the angle brackets; undefined for a keyword. */
	name: string | undefined;
	/** The words that may be typed as they stand. */
	literals: readonly string[];
	required: boolean;
	/** It has this word and all that follow. */
	variadic: boolean;
}

/**
 * What was typed: positionals and options by name, nothing interpreted yet. Positionals stay words in their order and
 * are looked up on request: an object of them would be most of the cost of a batch line.
 */
export class Args {
	readonly #options: Readonly<Record<string, unknown>>;
	readonly #words: readonly string[];
	readonly #items: readonly Item[];

	/** @param items the positionals in order; a variadic one takes all remaining words */
	constructor(
		options: Readonly<Record<string, unknown>>,
		words: readonly string[] = [],
		items: readonly Item[] = [],
	) {
		this.#options = options;
		this.#words = words;
		this.#items = items;
	}

	#value(name: string): unknown {
		const items = this.#items;
		for (let i = 0; i < items.length; i++) {
			const one = items[i] as Item;
			if (one.name === name)
				return one.variadic ? this.#words.slice(i) : this.#words[i];
		}
		return this.#options[name];
	}

	/** A positional that the usage demands. */
	text(name: string): string {
		return this.#value(name) as string;
	}

	/** An option's value, or a positional that may be left out. */
	optional(name: string): string | undefined {
		const value = this.#value(name);
		return value === true ? undefined : (value as string | undefined);
	}

	/** The words of a variadic positional, `[<word>...]`. */
	list(name: string): string[] {
		return (this.#value(name) as string[] | undefined) ?? [];
	}

	/** Whether a flag was typed, with a value or without. */
	flag(name: string): boolean {
		return this.#options[name] !== undefined;
	}
}

/**
 * One operation of a program, as data: the parser, help, the manual page and completion all read this description.
 *
 * @typeParam P what `parse` returns and `run` takes
 */
export interface Command<P> {
	/**
	 * The word that calls it and its arguments, `set <id> <ip-local>`; the syntax is in usage.ts. Several where it takes
	 * alternative arguments. A program that does one thing only has one command, `$0 …`, called without a word.
	 */
	usage: string | readonly string[];
	/** One line, "Create or overwrite a tunnel". */
	summary: string;
	/** What each positional is. */
	positionals?: Readonly<Record<string, string>>;
	options?: Readonly<Record<string, OptionSpec>>;
	/** `-dump` is an argument: it takes no option of one dash but -h. */
	minusWords?: true;
	/** Command lines without the program's name, each with its description. */
	examples?: readonly (readonly [line: string, does: string])[];
	/** Reads every argument before anything is touched. @throws Failure usage */
	parse(args: Args, env: Env): P;
	/** False: it makes no system call by libbpf, so koffi is not loaded. */
	kernel?: false;
	/**
	 * Whether it may be a line of many: `change` in a batch and in a stream, `show` in a stream. It then uses the
	 * context alone, and does not wait.
	 */
	bulk?: "change" | "show";
	/** Opens, does one thing, prints. */
	run(parsed: P, context: Context): void | Promise<void>;
}

// biome-ignore lint/suspicious/noExplicitAny: each command keeps its own type to itself
export type AnyCommand = Command<any>;

/**
 * What an argument may be, for completion: one of a few words, a file, an interface, or what a function lists.
 * A secret is not completed, and no error repeats the words of a command that takes one.
 */
export type Values =
	| readonly string[]
	| "file"
	| "interface"
	| "secret"
	| ValueList;

/** Lists what may stand at the cursor. @param words the plain words before it, without the command's own */
export type ValueList = (
	context: Context,
	words: readonly string[],
	typed: string,
) => Iterable<string> | Promise<Iterable<string>>;

/** A program: a name, a sentence and its operations. */
export interface Cli {
	name: string;
	summary: string;
	version: string;
	commands: readonly AnyCommand[];
	/** Options of every command, beside those of all programs. */
	options?: Readonly<Record<string, OptionSpec>>;
	/** Where its maps are pinned; undefined: it has none. */
	pins?: Pins;
	/** What arguments may be, by the name that usages and options have for them; `file`, `interface` and `key` are known. */
	values?: Readonly<Record<string, Values>>;
	/** Whether long options may be written with one dash, as Go programs have them. */
	oneDash?: boolean;
}

/** A command, with the type of its parsed line inferred. */
export const command = <P>(spec: Command<P>): Command<P> => spec;

/** The option of a command that deletes. @param what "row", "tunnel" */
export const ifExistsOption = (
	what: string,
): Readonly<Record<"if-exists", OptionSpec>> => ({
	"if-exists": {
		type: "boolean",
		describe: `No error if there is no such ${what}`,
	},
});

/** The options of every program. */
export const commonOptions: Readonly<Record<string, OptionSpec>> = {
	json: { type: "boolean", describe: "Print one JSON document" },
	bpffs: {
		type: "string",
		value: "directory",
		describe: "The bpffs to use [default: $TC_BPF_MNT, else /sys/fs/bpf]",
	},
	help: {
		type: "boolean",
		alias: "h",
		describe: "Show help, also after a command",
	},
	version: { type: "boolean", describe: "Show the version" },
};

/** What arguments of these names are in every program. */
const commonValues: Readonly<Record<string, Values>> = {
	file: "file",
	directory: "file",
	interface: "interface",
	key: "secret",
	shell: ["bash", "zsh", "fish"],
};

export const valuesOf = (cli: Cli, name: string): Values | undefined =>
	cli.values?.[name] ?? commonValues[name];

/** The options that a command takes. */
export const optionsOf = (
	cli: Cli,
	spec: AnyCommand | undefined,
): Readonly<Record<string, OptionSpec>> => ({
	...commonOptions,
	...cli.options,
	...spec?.options,
});
