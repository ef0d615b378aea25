import type { AnyStagedTable, StagedTable } from "@sluice/maps";
import type { OpenTable, Table } from "@sluice/maps/table";
import { Context } from "../context.js";
import { envOfLine } from "./read-command.js";

/**
 * What the lines of a batch are run with: tables that keep their changes, one lock around all, and nothing printed.
 * Warnings wait until the changes are made.
 */
export class StagedContext extends Context {
	readonly warnings: string[];
	readonly #tables = new Map<unknown, AnyStagedTable>();
	/** The context of the command that carries out the lines. */
	readonly outer: Context;
	/** Whether tables are read as a whole, which pays for many lines. */
	readonly #whole: boolean;

	/** About how many entries of each table the lines are for. */
	readonly #expected: number;

	constructor(outer: Context, whole: boolean, expected: number) {
		const warnings: string[] = [];
		const env = {
			...envOfLine(outer.env),
			err: (text: string) => void warnings.push(text),
		};
		super(env, outer.kernel, outer.options, outer.pins, outer.name);
		this.warnings = warnings;
		this.outer = outer;
		this.#whole = whole;
		this.#expected = expected;
	}

	override get staged(): boolean {
		return true;
	}

	/** The staged table, the same one each time. */
	override openTable<K, V>(
		table: Table<K, V>,
		options: { readOnly?: boolean } = {},
	): OpenTable<K, V> {
		return this.stagedTable(table, options);
	}

	stagedTable<K, V>(
		table: Table<K, V>,
		options: { readOnly?: boolean } = {},
	): StagedTable<K, V> {
		const open = this.#tables.get(table);
		if (open) return open;
		const staged = this.#stage(table, options);
		this.#tables.set(table, staged);
		return staged;
	}

	#stage<K, V>(
		table: Table<K, V>,
		options: { readOnly?: boolean },
	): StagedTable<K, V> {
		try {
			const { StagedTable, openTable } = this.kernel;
			const open = openTable(table, this.pinDirectory, options);
			// Counters are many and only ever deleted here.
			if (table.type.startsWith("percpu")) return new StagedTable(table, open);
			const staged = new StagedTable(table, open, this.#expected);
			if (this.#whole) staged.load();
			return staged;
		} catch (error) {
			throw this.explained(error);
		}
	}

	/** The lock is held already. */
	override locked<T>(change: () => T): T {
		return change();
	}

	override print(): void {}

	override printLong(): void {}

	/** Prints what the lines had to say beside their results. */
	printWarnings(): void {
		for (const text of this.warnings) this.outer.env.err(text);
	}
}
