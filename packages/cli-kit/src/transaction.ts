import type {
	AnyStagedTable,
	Journal,
	KernelTable,
	StagedTable,
} from "@sluice/maps";
import type { AnyTable, Table } from "@sluice/maps/table";
import type { Kernel } from "./env.js";

/** Opens tables to be changed. */
export interface Opener {
	/** Changes are staged: what is read does not change until all is written. */
	readonly staged: boolean;
	/** The staged table, the same one each time. */
	openTable<K, V>(table: Table<K, V>): StagedTable<K, V>;
}

export interface TransactionOptions {
	kernel: Kernel;
	/** Of the pins. */
	directory: string;
	/** Every table that is changed, in the order in which entries are added. */
	tables: readonly AnyTable[];
	open<K, V>(table: Table<K, V>): KernelTable<K, V>;
}

/** How many entries a transaction is for. */
export interface TransactionSize {
	/** Reads tables as a whole, which pays for many entries. */
	whole?: boolean;
	/** About how many entries of each table will be read and set. */
	expected?: number;
}

/**
 * Changes of a program's tables that are written together, or not at all: also where the process is killed meanwhile.
 * Use it under the writers' lock.
 */
export class Transaction implements Opener {
	readonly staged = true;
	readonly #options: TransactionOptions;
	readonly #size: TransactionSize;
	readonly #tables = new Map<unknown, AnyStagedTable>();
	#inOrder: readonly AnyStagedTable[] = [];
	#journal: Journal | undefined;

	constructor(options: TransactionOptions, size: TransactionSize = {}) {
		this.#options = options;
		this.#size = size;
	}

	/** Completes what a killed writer began, then lets go of what an earlier change read. @throws BpfError */
	begin(): void {
		const { kernel, directory, tables, open } = this.#options;
		for (const table of this.#tables.values()) table.reset();
		this.#journal ??= new kernel.Journal(directory);
		kernel.recover(this.#journal, (name) => {
			const table = tables.find((one) => one.name === name);
			return table && { table, kernel: open(table) };
		});
	}

	/** @throws BpfError as `openTable` of the maps package. */
	openTable<K, V>(table: Table<K, V>): StagedTable<K, V> {
		const known = this.#tables.get(table);
		if (known) return known;
		const { kernel, open, tables } = this.#options;
		const { whole = false, expected = 0 } = this.#size;
		// Counters are many and only ever deleted here.
		const isCounter = table.type.startsWith("percpu");
		const staged = new kernel.StagedTable(
			table,
			open(table),
			isCounter ? 0 : expected,
		);
		if (whole && !isCounter) staged.load();
		this.#tables.set(table, staged);
		const rank = ({ name }: { name: string }) =>
			tables.findIndex((one) => one.name === name);
		this.#inOrder = [...this.#tables.values()].sort(
			(a, b) => rank(a) - rank(b),
		);
		return staged;
	}

	/** The tables that were opened, in the order in which entries are added. */
	get tables(): readonly AnyStagedTable[] {
		return this.#inOrder;
	}

	/** Writes the changes. @throws BpfError the kernel refused: nothing was changed. */
	commit(progress?: (count: number) => void): void {
		this.#options.kernel.flush(this.tables, {
			...(this.#journal ? { journal: this.#journal } : {}),
			...(progress ? { progress } : {}),
		});
	}

	close(): void {
		for (const table of this.#tables.values()) table.close();
		this.#tables.clear();
		this.#inOrder = [];
		this.#journal?.close();
		this.#journal = undefined;
	}
}
