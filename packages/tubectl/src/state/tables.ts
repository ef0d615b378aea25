import type { AnyTable, OpenTable, Table } from "@sluice/maps/table";
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

/** The tables that commands change, in the order in which entries are added: a binding's destination is there before it. */
export const changedTables: readonly AnyTable[] = [
	destinationsTable,
	packedBindingsTable,
];

/** The tables of a dispatcher, open. */
export interface Tables {
	readonly bindings: OpenTable<BindingKey, BindingValue>;
	/** The same bindings, their keys packed. */
	readonly packed: OpenTable<string, BindingValue>;
	readonly destinations: OpenTable<DestinationKey, DestinationValue>;
	readonly metrics: OpenTable<number, DestinationMetrics[]>;
	readonly sockets: OpenTable<number, bigint>;
	close(): void;
}

/** Opens a dispatcher's tables. @throws as `openTable` */
export function openTables(
	openTable: <K, V>(table: Table<K, V>) => OpenTable<K, V>,
): Tables {
	const opened: { close(): void }[] = [];
	const close = () => {
		for (const table of opened) table.close();
	};
	const open = <K, V>(table: Table<K, V>) => {
		const one = openTable(table);
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
		throw error;
	}
}
