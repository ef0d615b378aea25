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

/** The tables that decide, as the attached program has them, which are not always the pinned ones. */
export interface LiveTables {
	config: OpenTableOf<typeof configTable>;
	tunnel: OpenTableOf<typeof tunnelTable>;
	decap: OpenTableOf<typeof decapTable>;
	encap: OpenTableOf<typeof encapTable>;
	verify: OpenTableOf<typeof verifyTable>;
	nat: OpenTableOf<typeof natTable>;
	signing: OpenTableOf<typeof signingTable>;
	signedOnly: OpenTableOf<typeof signedOnlyTable>;
	options: OpenTableOf<typeof tunnelOptionsTable>;
	rotation: OpenTableOf<typeof rotationTable>;
	pingTime: OpenTableOf<typeof pingTimeTable>;
	pathMtu: OpenTableOf<typeof pathMtuTable>;
}

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
	return {
		config: open(configTable),
		tunnel: open(tunnelTable),
		decap: open(decapTable),
		encap: open(encapTable),
		verify: open(verifyTable),
		nat: open(natTable),
		signing: open(signingTable),
		signedOnly: open(signedOnlyTable),
		options: open(tunnelOptionsTable),
		rotation: open(rotationTable),
		pingTime: open(pingTimeTable),
		pathMtu: open(pathMtuTable),
	};
}
