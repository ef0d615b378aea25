import { Journal, openTable, recover } from "@sluice/maps";
import { writable } from "./indexed-trie.js";
import type { Location } from "./location.js";
import { changedTables } from "./tables.js";

/** Completes the change of a killed writer, where there is one. Call it under the writers' lock. */
export function completeChange({ directory }: Location): void {
	const journal = new Journal(directory);
	recover(journal, (name) => {
		const table = changedTables.find((one) => one.name === name);
		if (!table) return undefined;
		const open = openTable(table, directory);
		return { table, kernel: writable(table, open, directory) };
	});
	journal.close();
}
