import type { Context } from "@sluice/cli-kit";
import type { StagedTable } from "@sluice/maps";
import type { Table } from "@sluice/maps/table";
import {
	configTable,
	encapTable,
	journalRows,
	journalTable,
	natTable,
	trafficTable,
	tunnelTable,
	verifyTable,
} from "@sluice/maps/tables";
import { type Opener, serviceTables, tunnelTables } from "@sluice/tunnel";

/**
 * In the order in which entries are added: a service is complete, tunnel included, before requests reach it, and
 * programs are told last. Deletes go in the opposite order.
 */
const order = [
	...new Set([...tunnelTables, ...serviceTables, configTable]),
] as const;

/** All tables as they are to be; the kernel's are changed by `write` alone. */
export class Stage implements Opener {
	readonly staged = true;
	readonly #context: Context;
	readonly #expected: number;
	// biome-ignore lint/suspicious/noExplicitAny: each table keeps its own types to itself
	readonly #tables = new Map<unknown, StagedTable<any, any>>();

	/** @param expected about how many entries a table will have */
	constructor(context: Context, expected: number) {
		this.#context = context;
		this.#expected = expected;
	}

	openTable<K, V>(table: Table<K, V>): StagedTable<K, V> {
		const open = this.#tables.get(table);
		if (open) return open;
		const { kernel, pinDirectory } = this.#context;
		const staged = new kernel.StagedTable(
			table,
			kernel.openTable(table, pinDirectory),
			this.#expected,
		);
		this.#tables.set(table, staged);
		// Counters are many and only ever deleted here; the journal is not what is planned.
		if (table !== trafficTable && table !== (journalTable as unknown))
			staged.load();
		return staged;
	}

	/** Entries added, changed and deleted, of each table where there are any. */
	counts(): Counts {
		const counts: Counts = { written: 0, deleted: 0, tables: {} };
		for (const table of order) {
			if (table === trafficTable) continue;
			const { added, changed, deleted } = this.openTable<unknown, unknown>(
				table as Table<unknown, unknown>,
			).counts;
			if (added + changed + deleted === 0) continue;
			counts.written += added + changed;
			counts.deleted += deleted;
			counts.tables[table.name] = { added, changed, deleted };
		}
		return counts;
	}

	/** Rows of the document's three kinds that will go, and that are there. */
	kept(): { deleted: number; present: number } {
		let deleted = 0;
		let present = 0;
		for (const table of [tunnelTable, verifyTable, configTable] as const) {
			const staged = this.openTable<unknown, unknown>(
				table as Table<unknown, unknown>,
			);
			deleted += staged.counts.deleted;
			present += staged.inKernel ?? 0;
		}
		return { deleted, present };
	}

	/**
	 * Changes the kernel's tables. A kill in the middle leaves a trace in the journal.
	 * @throws BpfError the kernel refused: all is as it was
	 */
	write(): void {
		const journal = this.openTable(journalTable).kernel;
		const rows = Object.values(journalRows);
		for (const row of rows) journal.set(row, 1);
		this.#context.kernel.flush(
			order.map((table) =>
				this.openTable<unknown, unknown>(table as Table<unknown, unknown>),
			),
		);
		for (const row of rows) journal.set(row, 0);
	}
}

/** Whether a writer was killed before it had come to its end. */
export function isInDoubt(context: Context): boolean {
	const journal = context.openTable(journalTable, { readOnly: true });
	return Object.values(journalRows).some((row) => journal.get(row) === 1);
}

/** How many rows of each table are other than they were. */
export interface Counts {
	/** Added or changed. */
	written: number;
	deleted: number;
	/** By the name of the table; those that stay are left out. */
	tables: Record<string, { added: number; changed: number; deleted: number }>;
}

/** The three tables of which a service's rows are. */
export const rowsOfServices = [verifyTable, encapTable, natTable] as const;
