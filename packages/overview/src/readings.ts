import type { Context } from "@sluice/cli-kit";
import { endpointText } from "@sluice/maps/address";
import { type Codec, sumOfCpus } from "@sluice/maps/codec";
import type { OpenTable, Table } from "@sluice/maps/table";
import {
	configTable,
	decapTable,
	directions,
	type Endpoint,
	encapTable,
	eventsLostTable,
	fragTable,
	natTable,
	type Sid,
	trafficTable,
	tunnelOptionsTable,
	tunnelTable,
	verifyTable,
} from "@sluice/maps/tables";
import {
	addTraffic,
	isLearned,
	noTraffic,
	type OutcomeCount,
	rankOfSid,
	readOutcomes,
	type TwoWayTraffic,
	UNKNOWN,
} from "@sluice/tunnel";

/** What the tables hold at one time. */
export interface Readings {
	outcomes: OutcomeCount[];
	tunnels: TunnelReading[];
	services: ServiceReading[];
	/** Of all tunnels, with deleted ones. */
	traffic: TwoWayTraffic;
	tables: { name: string; entries: number; capacity: number }[];
	/** Packets to be captured that found no room in the ring buffer. */
	eventsLost: bigint;
}

export interface TunnelReading {
	id: number;
	/** "10.0.0.1:6080" */
	local: string;
	/** Undefined: not known yet. */
	remote: string | undefined;
	/** The remote is the source of the last ping. */
	learned: boolean;
	/** Seconds since the last ping; undefined: there was none. */
	pingAge: number | undefined;
	traffic: TwoWayTraffic;
}

export interface ServiceReading extends Sid {
	proxy: Endpoint;
	backend: Endpoint;
	tunnel: number;
	traffic: TwoWayTraffic;
}

/** Reads all tables. @throws Failure environment; BpfError as `openTable`. */
export function read(context: Context): Readings {
	const traffic = readTraffic(context);
	return {
		outcomes: readOutcomes(context),
		tunnels: readTunnels(context, traffic.tunnels),
		services: readServices(context, traffic.services),
		traffic: total(traffic.tunnels.values()),
		tables: sized.flatMap((table) => size(context, table)),
		eventsLost: readEventsLost(context),
	};
}

/** Tables that can fill up. */
// biome-ignore lint/suspicious/noExplicitAny: each table keeps its own types to itself
const sized: readonly Table<any, any>[] = [
	configTable,
	tunnelTable,
	decapTable,
	encapTable,
	verifyTable,
	natTable,
	trafficTable,
	fragTable,
];

interface Traffic {
	/** By tunnel id, with deleted tunnels. */
	tunnels: Map<number, TwoWayTraffic>;
	/** By `rankOfSid`. */
	services: Map<number, TwoWayTraffic>;
}

function readTraffic(context: Context): Traffic {
	const found: Traffic = { tunnels: new Map(), services: new Map() };
	const row = (rows: Map<number, TwoWayTraffic>, key: number) => {
		const known = rows.get(key) ?? noTraffic();
		rows.set(key, known);
		return known;
	};
	addTraffic(context, ({ tunnel }) => row(found.tunnels, tunnel));
	addTraffic(context, ({ sid }) => row(found.services, rankOfSid(sid)));
	return found;
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
	const optionRows = context.openTable(tunnelOptionsTable, { readOnly: true });
	const options = new Map(optionRows.entries());
	optionRows.close();
	const readings: TunnelReading[] = [];
	for (const [id, row] of tunnels.entries())
		readings.push({
			id,
			local: endpointText(row.local, row.localPort),
			remote: row.remote.equals(UNKNOWN)
				? undefined
				: endpointText(row.remote, row.remotePort),
			learned: isLearned(row, options.get(id)),
			pingAge:
				row.lastPing === 0n
					? undefined
					: Math.max(context.kernel.secondsSince(row.lastPing), 0),
			traffic: traffic.get(id) ?? noTraffic(),
		});
	tunnels.close();
	return readings;
}

function readServices(
	context: Context,
	traffic: ReadonlyMap<number, TwoWayTraffic>,
): ServiceReading[] {
	const services = context.openTable(verifyTable, { readOnly: true });
	const readings: ServiceReading[] = [];
	for (const [sid, { proxy, backend, tunnel }] of services.entries())
		readings.push({
			...sid,
			...{ proxy, backend, tunnel },
			traffic: traffic.get(rankOfSid(sid)) ?? noTraffic(),
		});
	services.close();
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
