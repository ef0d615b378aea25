import { type OpenTable, openTable } from "@sluice/maps";
import {
	type BindingKey,
	type BindingValue,
	bindingsTable,
	type DestinationKey,
	type DestinationMetrics,
	type DestinationValue,
	destinationMetricsTable,
	destinationsTable,
	packedBindingsTable,
	socketsTable,
} from "@sluice/maps/tables";
import { isKnownDead } from "./leftovers.js";
import { isThere, leftover, notLoaded, type Place } from "./place.js";

/** The four tables of a dispatcher, open. */
export interface Tables {
	readonly bindings: OpenTable<BindingKey, BindingValue>;
	/** The same bindings, their keys packed. */
	readonly packed: OpenTable<string, BindingValue>;
	readonly destinations: OpenTable<DestinationKey, DestinationValue>;
	readonly metrics: OpenTable<number, DestinationMetrics[]>;
	readonly sockets: OpenTable<number, bigint>;
	close(): void;
}

/**
 * Opens a dispatcher's tables.
 * @throws Failure environment, where it is not loaded; BpfError EACCES no rights, EINVAL another layout, all
 *   differences named.
 */
export function openTables(
	place: Place,
	options: { readOnly: boolean },
): Tables {
	if (!isThere(place)) throw notLoaded(place);
	if (options.readOnly && isKnownDead(place)) throw leftover(place);
	const opened: { close(): void }[] = [];
	const close = () => {
		for (const table of opened) table.close();
	};
	const open = <K, V>(table: Parameters<typeof openTable<K, V>>[0]) => {
		const one = openTable(table, place.directory, options);
		opened.push(one);
		return one;
	};
	try {
		return {
			bindings: open(bindingsTable),
			packed: open(packedBindingsTable),
			destinations: open(destinationsTable),
			metrics: open(destinationMetricsTable),
			sockets: open(socketsTable),
			close,
		};
	} catch (error) {
		close();
		throw isThere(place) ? error : notLoaded(place);
	}
}
