import { type TrafficKey, trafficTable } from "@sluice/maps/tables";
import type { Context } from "../context.js";

/** Packets and bytes of both directions; ingress is what came out of the tunnel, egress what went in. */
export interface TwoWayTraffic {
	ingress: { packets: bigint; bytes: bigint };
	egress: { packets: bigint; bytes: bigint };
}

export const noTraffic = (): TwoWayTraffic => ({
	ingress: { packets: 0n, bytes: 0n },
	egress: { packets: 0n, bytes: 0n },
});

/** Adds every row of the counters to the one that `find` gives for it, the CPUs together. */
export function addTraffic(
	context: Context,
	find: (key: TrafficKey) => TwoWayTraffic | undefined,
): void {
	const table = context.openTable(trafficTable, { readOnly: true });
	for (const [key, cpus] of table.entries()) {
		const row = find(key)?.[key.queue === 0 ? "ingress" : "egress"];
		if (!row) continue;
		for (const { packets, bytes } of cpus) {
			row.packets += packets;
			row.bytes += bytes;
		}
	}
	table.close();
}
