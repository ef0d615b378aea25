import { badInput, missing, type Opener } from "@sluice/cli-kit";
import type { OpenTable } from "@sluice/maps/table";
import {
	type DestinationKey,
	type DestinationValue,
	keyBitsOf,
	packedBindingsTable,
} from "@sluice/maps/tables";
import {
	type Binding,
	bindingText,
	destinationOf,
	listingRank,
} from "../binding/binding.js";
import { destinationsOf } from "./destinations.js";

/** Binds traffic to a label; replaces a binding of the same protocol, prefix and port. */
export function bind(tables: Opener, binding: Binding): void {
	const bindings = tables.openTable(packedBindingsTable);
	const destinations = destinationsOf(tables);
	const { key } = binding;
	const destination = destinationOf(binding);
	const old = bindings.get(key);
	if (old && destinations.get(destination)?.id === old.id) return;
	const id = destinations.acquire(destination);
	bindings.set(key, { id, prefixlen: keyBitsOf(key) });
	if (old) destinations.release(old.id);
}

/** Removes a binding. @throws Failure missing: no such binding, or it leads elsewhere. */
export function unbind(tables: Opener, binding: Binding): void {
	const bindings = tables.openTable(packedBindingsTable);
	const destinations = destinationsOf(tables);
	const old = bindings.get(binding.key);
	if (!old) throw missing(`no binding ${bindingText(binding)}`);
	if (destinations.get(destinationOf(binding))?.id !== old.id)
		throw missing(
			`no binding ${bindingText(binding)}: it leads to "${destinations.labels().get(old.id)?.key.label}"`,
		);
	bindings.delete(binding.key);
	destinations.release(old.id);
}

/** Makes the bindings equal to a set. @throws Failure there is no room for all bindings or destinations */
export function replaceBindings(
	tables: Opener,
	wanted: Iterable<Binding> & { readonly size: number },
): void {
	const bindings = tables.openTable(packedBindingsTable);
	if (wanted.size > bindings.maxEntries)
		throw badInput(
			`${wanted.size} bindings do not fit in ${bindings.maxEntries}`,
		);
	clearBindings(tables);
	for (const one of wanted) bind(tables, one);
}

/** Removes all bindings. Those that are bound again before the commit stay as they are. */
export function clearBindings(tables: Opener): void {
	const bindings = tables.openTable(packedBindingsTable);
	const destinations = destinationsOf(tables);
	bindings.forEach((_, { id }) => {
		destinations.release(id);
	});
	bindings.clear();
}

/**
 * Gives the bindings that a change adds, or those that it removes, in the order of the listings; also when all is
 * written. Another label for the same traffic is an added binding.
 */
export function bindingChanges(
	tables: Opener,
): (which: "added" | "removed") => IterableIterator<Binding> {
	const bindings = tables.openTable(packedBindingsTable);
	const labels = destinationsOf(tables).labels();
	return function* (which) {
		const kind = which === "added" ? "set" : "deleted";
		for (const { key, before, after } of bindings.differencesBy(
			listingRank,
			kind,
		)) {
			const { id = -1 } = after ?? before ?? {};
			yield { label: labels.get(id)?.key.label ?? "?", key };
		}
	};
}

/** The destination of each id. Entries that nothing refers to may share an id with one that is in use. */
export function labelsById(
	destinations: OpenTable<DestinationKey, DestinationValue>,
): Map<number, DestinationKey> {
	const labels = new Map<number, DestinationKey>();
	for (const [key, { id, count }] of destinations.entries())
		if (count > 0 || !labels.has(id)) labels.set(id, key);
	return labels;
}
