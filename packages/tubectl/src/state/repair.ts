import { openTable } from "@sluice/maps";
import type { Location } from "./location.js";
import { removeMark } from "./pins.js";
import { openTables } from "./tables.js";

/**
 * Sets the destinations' counts to the number of their bindings, and deletes destinations that nothing refers to. Another
 * tool raises a count before it adds a binding, and lowers it after it removed one: where it was killed, a count is too
 * high. Call it under the writers' lock.
 */
export function repair({ directory }: Location): void {
	const tables = openTables((table) => openTable(table, directory));
	try {
		const { packed, destinations, sockets } = tables;
		const counts = new Map<number, number>();
		packed.forEach((_, { id }) => {
			counts.set(id, (counts.get(id) ?? 0) + 1);
		});
		for (const [key, { id, count: old }] of [...destinations.entries()]) {
			const count = counts.get(id) ?? 0;
			if (count === 0 && sockets.get(id) === undefined)
				destinations.delete(key);
			else if (count !== old) destinations.set(key, { id, count });
		}
	} finally {
		tables.close();
	}
	removeMark(directory);
}
