import type { Context } from "@sluice/cli-kit";
import type { OpenTable } from "@sluice/maps/table";
import {
	type Encap,
	type Endpoint,
	encapTable,
	journalTable,
	natTable,
	type Sid,
	type Traffic,
	type TrafficKey,
	trafficTable,
	type Verify,
	verifyTable,
} from "@sluice/maps/tables";

/**
 * What a service is made of. Its row in `verify` holds the whole of it and is written first and deleted last, so
 * that whatever a killed command has left can be found and put right from there.
 */
export interface ServiceTables {
	verify: OpenTable<Sid, Verify>;
	/** Backend → what egress puts on. */
	encap: OpenTable<Endpoint, Encap>;
	/** Proxy → backend and backend → proxy. */
	nat: OpenTable<Endpoint, Endpoint>;
	/** Counters, which go with the service. */
	traffic: OpenTable<TrafficKey, Traffic[]>;
	/** Tells whether a takeover did not come to its end. */
	journal: OpenTable<number, number>;
}

/**
 * In the order in which they may be added to: a service is reachable by its last row. It is deleted from in the
 * opposite order: counters go when no packet can count any more.
 */
export const serviceTables = [
	verifyTable,
	trafficTable,
	encapTable,
	natTable,
] as const;

/** @throws Failure environment; BpfError as `openTable`. */
export function openServiceTables(
	context: Context,
	options: { readOnly?: boolean } = {},
): ServiceTables {
	return {
		verify: context.openTable(verifyTable, options),
		encap: context.openTable(encapTable, options),
		nat: context.openTable(natTable, options),
		traffic: context.openTable(trafficTable, options),
		journal: context.openTable(journalTable, options),
	};
}
