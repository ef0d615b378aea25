import { type Filter, readRing, unixTime } from "@sluice/capture";
import type { Context } from "@sluice/cli-kit";
import { objectFile } from "@sluice/cli-kit/object-file";
import type { LoadedObject } from "@sluice/maps";
import type { Address } from "@sluice/maps/address";
import { sumOfCpus } from "@sluice/maps/codec";
import type { Table } from "@sluice/maps/table";
import {
	type Direction,
	type DropEvent,
	decapTable,
	dropFlags,
	dropsMissedTable,
	dropsTable,
	encapTable,
	natTable,
	outcomes,
	readDrop,
	type Sid,
	verifyTable,
} from "@sluice/maps/tables";
import { readOutcomes } from "@sluice/tunnel";
import type { ReasonNames } from "./reasons.js";
import { settingsOf } from "./settings.js";

/** A dropped packet. */
export interface Drop {
	/** Nanoseconds since 1970. */
	time: bigint;
	ifindex: number;
	/** Undefined: unknown, or deleted in the meantime. */
	interface: string | undefined;
	/** Of our drops: the program's direction. Of the kernel's: before or after output. */
	direction: Direction;
	by: "tunnel" | "kernel";
	reason: string;
	/** Undefined: the packet is of no service. */
	service: Sid | undefined;
	tunnel: number | undefined;
	client: Address | undefined;
	/** Bytes from the IP header on; `data` may be cut. */
	length: number;
	data: Buffer;
	/** A number of its own. */
	id: bigint;
}

interface Monitoring {
	names: ReasonNames;
	filter: Filter;
	/** Packets in a second on each CPU; 0: all. */
	rate: number;
	limit: number;
	/** Called once dropped packets are seen. */
	started(): void;
	packet(drop: Drop): void;
	/** Packets that were dropped and not reported. */
	missed(count: number, why: string): void;
}

const OBJECT = "drop_monitor.o";
const PROGRAM = "drop_monitor";
/** Tables of the tunnel programs that the monitor's reads; it has the others by their definition only. */
const shared = [encapTable, verifyTable, natTable, decapTable];
const unused = {
	map_config: 1,
	map_tunnel: 1,
	map_tunnel_stats: 1,
	map_applied: 1,
};

/**
 * Hands out dropped packets as they are dropped, from now on, until there were `limit` or the program is stopped.
 *
 * @returns how many there were
 * @throws Failure environment, where no tables are pinned; BpfError as `loadObject`.
 */
export async function monitorDrops(
	context: Context,
	monitoring: Monitoring,
): Promise<number> {
	const { kernel, env } = context;
	const { filter, names, rate } = monitoring;
	const tables = shared.map((table: Table<unknown, unknown>) =>
		context.openTable(table, { readOnly: true }),
	);
	const object = kernel.loadObject(objectFile(OBJECT, env.vars), {
		maxEntries: unused,
		constants: settingsOf(filter, names, rate),
		reuse: Object.fromEntries(tables.map(({ name, fd }) => [name, fd])),
	});
	try {
		const link = kernel.attachTracing(object.program(PROGRAM).fd);
		try {
			return await read(context, object, monitoring);
		} finally {
			kernel.close(link);
		}
	} finally {
		object.close();
		for (const table of tables) table.close();
	}
}

async function read(
	context: Context,
	object: LoadedObject,
	{ names, filter, limit, packet, missed, started }: Monitoring,
): Promise<number> {
	const { kernel } = context;
	const timeOf = unixTime(kernel);
	const table = object.table(dropsMissedTable);
	const others: readonly [read: () => bigint, why: string][] = [
		[() => sumOfCpus(table.get(0)), "above the rate"],
		[() => sumOfCpus(table.get(1)), "too many to keep up"],
		[
			() => countAnswered(context, filter),
			"too-big, became the ICMP answer to their senders",
		],
	];
	let count = 0;
	const drop = (event: DropEvent): Drop => {
		const has = (flag: number) => (event.flags & flag) !== 0;
		return {
			time: timeOf(event.time),
			ifindex: event.ifindex,
			interface:
				event.ifindex === 0 ? undefined : kernel.interfaceName(event.ifindex),
			direction: has(dropFlags.egress) ? "egress" : "ingress",
			by: has(dropFlags.byKernel) ? "kernel" : "tunnel",
			reason: has(dropFlags.byKernel)
				? (names.kernel.get(event.reason) ?? `reason-${event.reason}`)
				: (outcomes[event.reason] ?? `outcome-${event.reason}`),
			service: has(dropFlags.hasService) ? event.sid : undefined,
			tunnel: has(dropFlags.hasTunnel) ? event.tunnel : undefined,
			client: has(dropFlags.hasClient) ? event.client : undefined,
			length: event.length,
			data: event.data,
			id: BigInt(count + 1),
		};
	};
	try {
		return await readRing(context, object.mapFd(dropsTable.name), {
			limit,
			started,
			counters: others.map(([count, why]) => [
				count,
				(growth) => missed(growth, why),
			]),
			take(bytes) {
				packet(drop(readDrop(bytes)));
				count++;
				return true;
			},
		});
	} finally {
		table.close();
	}
}

/** Packets that did not fit and became the ICMP answer to their sender: the kernel frees none. 0 where the filter excludes them. */
function countAnswered(
	context: Context,
	{ service, tunnel, client, direction, reasons }: Filter,
): bigint {
	const isForOthers =
		service !== undefined ||
		tunnel !== undefined ||
		client !== undefined ||
		direction === "ingress" ||
		reasons?.includes("too-big") === false;
	if (isForOthers) return 0n;
	return (
		readOutcomes(context).find(
			({ direction: side, outcome }) =>
				side === "egress" && outcome === "too-big",
		)?.packets ?? 0n
	);
}
