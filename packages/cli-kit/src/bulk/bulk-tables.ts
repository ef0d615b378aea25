import type { Rank } from "@sluice/maps";
import type { Table } from "@sluice/maps/table";
import type { Args, Command, OptionSpec } from "../command.js";
import type { Context } from "../context.js";
import type { StagedContext } from "./staged-context.js";

/**
 * What batch, save and restore have to know of a program's tables.
 *
 * @typeParam P the parsed `set` line
 * @typeParam H the parsed options of `save`
 */
export interface BulkTables<P, K, V, H = void> {
	/** The table with one entry for each line that `save` prints. */
	table: Table<K, V>;
	/** The one command whose lines `save` prints and `restore` takes. */
	set: Command<P>;
	/** The order of the lines. */
	rank: Rank<K>;
	/** The words of the line that makes an entry. */
	setWords(key: K, value: V, context: Context, how?: H): string[];
	/** The same words for people to read, without secrets. */
	shown?(words: string[], context: Context): string[];
	/** The options of that line, each with its value, `--size=5`; `hidden`: for people to read, without secrets. */
	setOptions?(key: K, context: Context, hidden: boolean): string[];
	/** Tables with the same key that the same line writes. */
	// biome-ignore lint/suspicious/noExplicitAny: only their keys are looked at
	beside?: readonly Table<K, any>[];
	/** The words of the line that deletes one. */
	delWords(key: K, context: Context, value: V): string[];
	/** Names of tables that follow from the others, so that their rows are not counted. */
	derived?: readonly string[];
	/** Called before the lines that say all that there is to be; the tables are the staged ones. */
	restoring(context: StagedContext, args: Args): Restoring<P>;
	/** Options of `restore`, beside its own. */
	restoreOptions?: Readonly<Record<string, OptionSpec>>;
	/** What `save --help` has to add: that the lines hold secrets. */
	saveNote?: string;
	saveOptions?: Readonly<Record<string, OptionSpec>>;
	saveHow?(args: Args): H;
}

/** A restore in progress. */
export interface Restoring<P> {
	/** Called with each parsed `set` line, before it runs. */
	line(parsed: P): void;
	/** Called after the last one. */
	end(): void;
}

// biome-ignore lint/suspicious/noExplicitAny: a batch does not look into keys and values
export type AnyBulkTables = BulkTables<any, any, any, any>;
