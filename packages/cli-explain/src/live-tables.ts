import type { Context } from "@sluice/cli-kit";
import type { OpenTable, Table } from "@sluice/maps/table";
import {
	configTable,
	decapTable,
	encapTable,
	natTable,
	pathMtuTable,
	pingTimeTable,
	rotationTable,
	signedOnlyTable,
	signingTable,
	tunnelOptionsTable,
	tunnelTable,
	verifyTable,
} from "@sluice/maps/tables";

/** The tables that decide. */
const tables = {
	config: configTable,
	tunnel: tunnelTable,
	decap: decapTable,
	encap: encapTable,
	verify: verifyTable,
	nat: natTable,
	signing: signingTable,
	signedOnly: signedOnlyTable,
	options: tunnelOptionsTable,
	rotation: rotationTable,
	pingTime: pingTimeTable,
	pathMtu: pathMtuTable,
} as const;

/** As the attached program has them, which are not always the pinned ones. */
export type LiveTables = {
	[N in keyof typeof tables]: OpenTableOf<(typeof tables)[N]>;
};

type OpenTableOf<T> =
	T extends Table<infer K, infer V> ? OpenTable<K, V> : never;

/**
 * Opens the tables of a program by their ids. One that the program does not use is the pinned one.
 * @throws BpfError EPERM no rights; EINVAL another layout.
 */
export function openLive(
	context: Context,
	maps: readonly { name: string; id: number }[],
): LiveTables {
	const { kernel } = context;
	const open = <K, V>(table: Table<K, V>): OpenTable<K, V> => {
		const id = maps.find(({ name }) => name === table.name)?.id;
		return id === undefined
			? context.openTable(table, { readOnly: true })
			: kernel.wrapMap(table, kernel.openMapById(id));
	};
	return Object.fromEntries(
		Object.entries(tables).map(([name, table]) => [
			name,
			open(table as Table<unknown, unknown>),
		]),
	) as LiveTables;
}
