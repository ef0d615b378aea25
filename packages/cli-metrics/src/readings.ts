import type { Context } from "@sluice/cli-kit";
import { type Codec, sumOfCpus } from "@sluice/maps/codec";
import type { OpenTable, Table } from "@sluice/maps/table";
import {
	configTable,
	decapTable,
	directions,
	encapTable,
	eventsLostTable,
	fragTable,
	natTable,
	trafficTable,
	tunnelTable,
	verifyTable,
} from "@sluice/maps/tables";
import {
	addTraffic,
	noTraffic,
	type OutcomeCount,
	readOutcomes,
	type TwoWayTraffic,
} from "@sluice/tunnel";

/** What the tables hold at one time. */
export interface Readings {
	outcomes: OutcomeCount[];
	tunnels: TunnelReading[];
	/** Of all tunnels, also those that are gone. */
	traffic: TwoWayTraffic;
	tables: { name: string; entries: number; capacity: number }[];
	/** Packets to be captured that found no room in the ring buffer. */
	eventsLost: bigint;
}

export interface TunnelReading {
	id: number;
	/** Seconds since the last ping; undefined: there was none. */
	pingAge: number | undefined;
	hasRemote: boolean;
	traffic: TwoWayTraffic;
}

/** Reads all tables. @throws Failure environment; BpfError as `openTable`. */
export function read(context: Context): Readings {
	const traffic = readTraffic(context);
	return {
		outcomes: readOutcomes(context),
		tunnels: readTunnels(context, traffic),
		traffic: total(traffic.values()),
		tables: counted.flatMap((table) => size(context, table)),
		eventsLost: readEventsLost(context),
	};
}

/** Tables that can fill up. */
// biome-ignore lint/suspicious/noExplicitAny: each table keeps its own types to itself
const counted: readonly Table<any, any>[] = [
	configTable,
	tunnelTable,
	decapTable,
	encapTable,
	verifyTable,
	natTable,
	trafficTable,
	fragTable,
];

/** The traffic of each tunnel, also of those that are gone. */
function readTraffic(context: Context): Map<number, TwoWayTraffic> {
	const rows = new Map<number, TwoWayTraffic>();
	addTraffic(context, ({ tunnel }) => {
		const row = rows.get(tunnel) ?? noTraffic();
		rows.set(tunnel, row);
		return row;
	});
	return rows;
}

function total(rows: Iterable<TwoWayTraffic>): TwoWayTraffic {
	const all = noTraffic();
	for (const row of rows)
		for (const direction of directions) {
			all[direction].packets += row[direction].packets;
			all[direction].bytes += row[direction].bytes;
		}
	return all;
}

function readTunnels(
	context: Context,
	traffic: ReadonlyMap<number, TwoWayTraffic>,
): TunnelReading[] {
	const tunnels = context.openTable(tunnelTable, { readOnly: true });
	const readings: TunnelReading[] = [];
	for (const [id, { lastPing, remote }] of tunnels.entries())
		readings.push({
			id,
			pingAge:
				lastPing === 0n
					? undefined
					: Math.max(context.kernel.secondsSince(lastPing), 0),
			hasRemote: remote !== "::",
			traffic: traffic.get(id) ?? noTraffic(),
		});
	tunnels.close();
	return readings;
}

function readEventsLost(context: Context): bigint {
	const open = context.openTable(eventsLostTable, { readOnly: true });
	const lost = sumOfCpus(open.get(0));
	open.close();
	return lost;
}

/** How full a table is; nothing where it is not pinned, as one that only the other direction's program has. */
function size(
	context: Context,
	table: Table<unknown, unknown>,
): Readings["tables"] {
	const open = openIfPinned(context, {
		...table,
		key: unread(table.key),
		value: unread(table.value),
	});
	if (!open) return [];
	let entries = 0;
	for (const _ of open.entries()) entries++;
	const { name, maxEntries: capacity } = open;
	open.close();
	return [{ name, entries, capacity }];
}

function openIfPinned<K, V>(
	context: Context,
	table: Table<K, V>,
): OpenTable<K, V> | undefined {
	try {
		return context.openTable(table, { readOnly: true });
	} catch (error) {
		// Other codes: there are no tables at all, or they may not be read.
		if ((error as { code?: string }).code === "ENOENT") return undefined;
		throw error;
	}
}

/** For counting: the bytes are passed over. */
const unread = ({ size, kernelSize }: Codec<unknown>): Codec<undefined> => ({
	size,
	...(kernelSize === undefined ? {} : { kernelSize }),
	read: () => undefined,
	write() {},
});
