import type {
	AnyStagedTable,
	Journal,
	KernelTable,
	StagedTable,
} from "@sluice/maps";
import type { AnyTable, Table } from "@sluice/maps/table";
import type { Kernel } from "./env.js";

// biome-ignore lint/suspicious/noExplicitAny: each table keeps its own types to itself
type AnyKernelTable = KernelTable<any, any>;

/** Opens tables to be changed. */
export interface Opener {
	/** Changes are staged: what is read does not change until all is written. */
	readonly staged: boolean;
	/** The staged table, the same one each time. */
	openTable<K, V>(table: Table<K, V>): StagedTable<K, V>;
	/** What `make` made for the first change of the transaction. It is staged after the last one. */
	gathered<T extends Gathered>(make: (tables: Opener) => T): T;
}

interface TransactionOptions {
	kernel: Kernel;
	/** Of the pins. */
	directory: string;
	/** Every table that is changed, in the order in which entries are added. */
	tables: readonly AnyTable[];
	open<K, V>(table: Table<K, V>): KernelTable<K, V>;
	/** Called before tables are opened. */
	begin?(): void;
	/** Called when the change of a killed writer has been completed. */
	recovered?(): void;
}

/** What the changes of one transaction gather together. */
export interface Gathered {
	/** Stages it. */
	stage(): void;
}

/** What a transaction is for. */
export interface TransactionPlan {
	/** Reads tables as a whole, which pays for many entries. */
	whole?: boolean;
	/** About how many entries of a table will be read and set. */
	expected?(table: AnyTable): number;
	/** Called before the changes are written. */
	beforeWriting?(): void;
}

/**
 * Changes of a program's tables that are written together, or not at all: also where the process is killed meanwhile.
 * Use it under the writers' lock.
 */
export class Transaction implements Opener {
	readonly staged = true;
	readonly #options: TransactionOptions;
	readonly #plan: TransactionPlan;
	readonly #tables = new Map<unknown, AnyStagedTable>();
	readonly #gathered = new Map<unknown, Gathered>();
	#inOrder: readonly AnyStagedTable[] = [];
	#journal: Journal | undefined;

	constructor(options: TransactionOptions, plan: TransactionPlan = {}) {
		this.#options = options;
		this.#plan = plan;
	}

	/** Begins a change of its own, while the lock is held: forgets what the one before read and changed. */
	reset(): void {
		for (const table of this.#tables.values()) table.reset();
		this.#gathered.clear();
	}

	/** Begins after the lock is taken: completes the change of a killed writer. @throws BpfError */
	begin(): void {
		const { kernel, directory, tables, open } = this.#options;
		this.reset();
		if (!this.#journal) {
			this.#options.begin?.();
			this.#journal = new kernel.Journal(directory);
		}
		const opened: AnyKernelTable[] = [];
		try {
			const recovered = kernel.recover(this.#journal, (name) => {
				const table = tables.find((one) => one.name === name);
				if (!table) return undefined;
				const kernelTable = open(table);
				opened.push(kernelTable);
				return { table, kernel: kernelTable };
			});
			if (recovered) this.#options.recovered?.();
		} finally {
			for (const table of opened) table.close();
		}
	}

	/** @throws BpfError as `openTable` of the maps package. */
	openTable<K, V>(table: Table<K, V>): StagedTable<K, V> {
		const known = this.#tables.get(table);
		if (known) return known;
		const { kernel, open, tables } = this.#options;
		const { whole = false, expected = () => 0 } = this.#plan;
		// Counters are many and only ever deleted here.
		const isCounter = table.type.startsWith("percpu");
		const staged = new kernel.StagedTable(
			table,
			open(table),
			isCounter ? 0 : expected(table),
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

	gathered<T extends Gathered>(make: (tables: Opener) => T): T {
		const known = this.#gathered.get(make);
		if (known) return known as T;
		const made = make(this);
		this.#gathered.set(make, made);
		return made;
	}

	/** Stages what was gathered: from here on, the tables have all changes. */
	stage(): void {
		for (const one of this.#gathered.values()) one.stage();
	}

	/** The tables that were opened, in the order in which entries are added. */
	get tables(): readonly AnyStagedTable[] {
		return this.#inOrder;
	}

	/** Writes the changes. @throws BpfError the kernel refused: nothing was changed. */
	commit(progress?: (count: number) => void): void {
		this.stage();
		this.#plan.beforeWriting?.();
		this.#options.kernel.flush(this.tables, {
			...(this.#journal ? { journal: this.#journal } : {}),
			...(progress ? { progress } : {}),
		});
	}

	close(): void {
		for (const table of this.#tables.values()) table.close();
		this.#tables.clear();
		this.#gathered.clear();
		this.#inOrder = [];
		this.#journal?.close();
		this.#journal = undefined;
	}
}
