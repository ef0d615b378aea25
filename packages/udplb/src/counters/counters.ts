import type { OpenTable, ValueOf } from "@sluice/maps";
import {
	type LbOutcome,
	type LbUpstream,
	lbActions,
	lbOutcomes,
	lbOutcomesTable,
	lbTrafficTable,
	lbUpstreamsTable,
} from "@sluice/maps/tables";
import type { Action } from "../config/schema.js";

/** What went to one upstream of one key. */
export interface UpstreamCount {
	key: { address: string; port: number };
	action: Action;
	upstream: { address: string; port: number };
	weight: number;
	packets: bigint;
	/** Of IP packets, from the IP header on. */
	bytes: bigint;
}

export interface Counters {
	outcomes: Record<LbOutcome, bigint>;
	upstreams: UpstreamCount[];
}

/** The tables that counting takes, open. */
interface CounterTables {
	upstreams: OpenTable<number, LbUpstream>;
	traffic: OpenTable<number, ValueOf<typeof lbTrafficTable.value>>;
	outcomes: OpenTable<number, bigint[]>;
}

/** Opens a table by its description. */
export type Open = <K, V>(
	table: Parameters<typeof import("@sluice/maps").openTable<K, V>>[0],
) => OpenTable<K, V>;

/** @throws BpfError as `openTable` */
export function openCounters(open: Open): CounterTables {
	return {
		upstreams: open(lbUpstreamsTable),
		traffic: open(lbTrafficTable),
		outcomes: open(lbOutcomesTable),
	};
}

export function closeCounters(tables: CounterTables): void {
	for (const table of Object.values(tables)) table.close();
}

/** Reads all counters, each summed over the CPUs; upstreams by key, then in the order in which they were added. */
export function readCounters(tables: CounterTables): Counters {
	const traffic = new Map(tables.traffic.entries());
	const upstreams: UpstreamCount[] = [];
	for (const [index, row] of tables.upstreams.entries()) {
		const counts = traffic.get(index) ?? [];
		upstreams.push({
			key: { address: String(row.keyAddr), port: row.keyPort },
			action: row.action === lbActions.block ? "block" : "pass",
			upstream: { address: String(row.addr), port: row.port },
			weight: row.weight,
			packets: counts.reduce((sum, { packets }) => sum + packets, 0n),
			bytes: counts.reduce((sum, { bytes }) => sum + bytes, 0n),
		});
	}
	const outcomes = {} as Record<LbOutcome, bigint>;
	for (const [i, name] of lbOutcomes.entries())
		outcomes[name] = (tables.outcomes.get(i) ?? []).reduce(
			(sum, count) => sum + count,
			0n,
		);
	return { outcomes, upstreams };
}
