import type { Context } from "@sluice/cli-kit";
import type { OpenTable } from "@sluice/maps/table";
import {
	decapTable,
	type Endpoint,
	journalTable,
	type Traffic,
	type TrafficKey,
	type Tunnel,
	trafficTable,
	tunnelTable,
} from "@sluice/maps/tables";

/** What a tunnel is made of. */
export interface TunnelTables {
	tunnels: OpenTable<number, Tunnel>;
	/** Local endpoint → how many tunnels have it. */
	decap: OpenTable<Endpoint, number>;
	/** Counters by tunnel, service and direction: the program makes a row with its first packet. */
	traffic: OpenTable<TrafficKey, Traffic[]>;
	/** Tells whether `decap` is in doubt. */
	journal: OpenTable<number, number>;
}

/** In the order in which they may be added to. */
export const tunnelTables = [tunnelTable, decapTable, trafficTable] as const;

/** @throws Failure environment; BpfError as `openTable`. */
export function openTunnelTables(
	context: Context,
	options: { readOnly?: boolean } = {},
): TunnelTables {
	return {
		tunnels: context.openTable(tunnelTable, options),
		decap: context.openTable(decapTable, options),
		traffic: context.openTable(trafficTable, options),
		journal: context.openTable(journalTable, options),
	};
}
