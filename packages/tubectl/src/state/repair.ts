import type { Destinations } from "./destinations.js";
import { removeMark } from "./pins.js";
import type { Place } from "./place.js";
import type { Tables } from "./tables.js";

/**
 * Makes the destinations' counts true again, and drops those that nothing refers to. A writer raises a count before
 * it adds a binding and lowers it after it removed one: where it was killed, a count is too high. Removes the mark that
 * such a writer leaves.
 */
export function repair(
	{ directory }: Place,
	tables: Tables,
	destinations: Destinations,
): void {
	const counts = new Map<number, number>();
	for (const [, { id }] of tables.packed.entries())
		counts.set(id, (counts.get(id) ?? 0) + 1);
	for (const [key, value] of destinations.entries()) {
		const count = counts.get(value.id) ?? 0;
		if (count !== value.count || count === 0)
			destinations.setCount(key, { ...value, count });
	}
	removeMark(directory);
}
