import {
	type Direction,
	type TrafficKey,
	trafficTable,
} from "@sluice/maps/tables";
import type { Opener } from "./tables.js";

/** Packets and bytes: ingress decapsulated, egress encapsulated. */
export type TwoWayTraffic = Record<
	Direction,
	{ packets: bigint; bytes: bigint }
>;

export const noTraffic = (): TwoWayTraffic => ({
	ingress: { packets: 0n, bytes: 0n },
	egress: { packets: 0n, bytes: 0n },
});

/** Adds each counter, summed over the CPUs, to what `find` returns for its key. */
export function addTraffic(
	opener: Opener,
	find: (key: TrafficKey) => TwoWayTraffic | undefined,
): void {
	const table = opener.openTable(trafficTable, { readOnly: true });
	for (const [key, cpus] of table.entries()) {
		const sum = find(key)?.[key.direction];
		if (!sum) continue;
		for (const { packets, bytes } of cpus) {
			sum.packets += packets;
			sum.bytes += bytes;
		}
	}
	table.close();
}
