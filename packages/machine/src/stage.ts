import {
	type Context,
	type Counts,
	countsOf,
	type Transaction,
} from "@sluice/cli-kit";
import type { StagedTable } from "@sluice/maps";
import type { Table } from "@sluice/maps/table";
import {
	configTable,
	encapTable,
	natTable,
	tunnelTable,
	verifyTable,
} from "@sluice/maps/tables";
import { type Opener, tunnelPins } from "@sluice/tunnel";

const { tables: order } = tunnelPins;

/** All tables as they are to be; the kernel's are changed by `write` alone. */
export class Stage implements Opener {
	readonly staged = true;
	readonly #transaction: Transaction;

	/** @param transaction that reads tables as a whole */
	constructor(transaction: Transaction) {
		this.#transaction = transaction;
	}

	openTable<K, V>(table: Table<K, V>): StagedTable<K, V> {
		return this.#transaction.openTable(table);
	}

	/** Entries added, changed and deleted, of each table where there are any. */
	counts(): Counts {
		return countsOf(order.map((table) => this.openTable(table)));
	}

	/** Rows of the document's three kinds that will go, and that are there. */
	deletions(): { deleted: number; present: number } {
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
	 * Changes the kernel's tables.
	 * @throws BpfError the kernel refused: all is as it was
	 */
	write(): void {
		this.#transaction.commit();
	}
}

/** Whether a writer was killed during its change. */
export function isInDoubt({ kernel, pinDirectory }: Context): boolean {
	const journal = new kernel.Journal(pinDirectory);
	const record = journal.read();
	journal.close();
	return record !== undefined;
}

/** The three tables that hold the rows of a service. */
export const rowsOfServices = [verifyTable, encapTable, natTable] as const;
