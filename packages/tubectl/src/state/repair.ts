import type { Destinations } from "./destinations.js";
import type { Tables } from "./tables.js";

/**
 * Makes the destinations' counts true again, and drops those that nothing refers to. A writer raises a count before
 * it adds a binding and lowers it after it removed one: where it was killed, a count is too high.
 */
export function repair(tables: Tables, destinations: Destinations): void {
	const counts = new Map<number, number>();
	for (const [, { id }] of tables.packed.entries())
		counts.set(id, (counts.get(id) ?? 0) + 1);
	for (const [key, value] of destinations.entries()) {
		const count = counts.get(value.id) ?? 0;
		destinations.setCount(key, { ...value, count });
	}
}
