import type { Context } from "./context.js";
import type { Env } from "./env.js";
import type { Pins } from "./pins.js";

/** An option of one command. */
export interface OptionSpec {
	/** A flag, or an option with a value. */
	type: "boolean" | "string";
	describe: string;
	/** A single letter, for `-i`. */
	alias?: string;
}

/** An argument that is known by its place. */
export interface Positional {
	name: string;
	required: boolean;
	/** It has all words from its place on. */
	variadic: boolean;
}

/**
 * What was typed: positionals and options by name, nothing interpreted yet. Positionals stay words in their order, and
 * are looked for when they are asked for: an object of them would be most of the cost of a batch's line.
 */
export class Args {
	readonly #options: Readonly<Record<string, unknown>>;
	readonly #words: readonly string[];
	readonly #positionals: readonly Positional[];

	constructor(
		options: Readonly<Record<string, unknown>>,
		words: readonly string[] = [],
		positionals: readonly Positional[] = [],
	) {
		this.#options = options;
		this.#words = words;
		this.#positionals = positionals;
	}

	#value(name: string): unknown {
		const positionals = this.#positionals;
		for (let i = 0; i < positionals.length; i++) {
			const one = positionals[i] as Positional;
			if (one.name === name)
				return one.variadic ? this.#words.slice(i) : this.#words[i];
		}
		return this.#options[name];
	}

	/** A positional that the usage demands. */
	text(name: string): string {
		return this.#value(name) as string;
	}

	/** An option, or a positional that may be left out. */
	optional(name: string): string | undefined {
		return this.#value(name) as string | undefined;
	}

	/** The words of a variadic positional, `[words..]`. */
	list(name: string): string[] {
		return (this.#value(name) as string[] | undefined) ?? [];
	}

	flag(name: string): boolean {
		return this.#options[name] === true;
	}
}

/**
 * One operation of a program. It is data, so that yargs, the batch reader, the manual pages and the completion all
 * say the same.
 *
 * @typeParam P what parsing gives, and running takes
 */
export interface Command<P> {
	/**
	 * As yargs has it: `set <id> <ip-local> …`; `[x]` may be left out, `[x..]` is any number. A program that does one
	 * thing only has one command, `$0 …`, which is called without a word of its own.
	 */
	usage: string;
	/** One line, "Create or overwrite a tunnel". */
	summary: string;
	/** What each positional is. */
	positionals?: Readonly<Record<string, string>>;
	options?: Readonly<Record<string, OptionSpec>>;
	/** Command lines without the program's name, and what they do. */
	examples?: readonly (readonly [line: string, does: string])[];
	/** Reads every argument before anything is touched. @throws Failure usage */
	parse(args: Args, env: Env): P;
	/** False: it never asks the kernel, so the binding is not loaded. */
	kernel?: false;
	/**
	 * Whether it may be a line of many: `change` in a batch and in a stream, `show` in a stream. It then uses the
	 * context alone, and does not wait.
	 */
	bulk?: "change" | "show";
	/** Opens, does one thing, prints. */
	run(parsed: P, context: Context): void | Promise<void>;
}

/** A program: a name, a sentence and its operations. */
export interface Program {
	name: string;
	summary: string;
	version: string;
	// biome-ignore lint/suspicious/noExplicitAny: each command keeps its own type to itself
	commands: readonly Command<any>[];
	/** Options of every command, beside --json and --bpffs. */
	options?: Readonly<Record<string, OptionSpec>>;
	/** Where its maps are pinned; undefined: it has none. */
	pins?: Pins;
	/** Whether long options may be written with one dash, as Go programs have them. */
	oneDash?: boolean;
}

/** A command, with the type of what it parses worked out. */
export const command = <P>(spec: Command<P>): Command<P> => spec;

/** The word that a command is called by. */
export const verbOf = ({ usage }: Pick<Command<unknown>, "usage">): string =>
	usage.split(" ", 1)[0] as string;

/** The `$0` of a program that does one thing only. */
export const ONLY = "$0";

/** The command of a program that does one thing only. */
export const onlyCommand = ({ commands }: Pick<Program, "commands">) =>
	commands.find((spec) => verbOf(spec) === ONLY);
