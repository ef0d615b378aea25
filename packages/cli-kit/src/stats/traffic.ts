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

export const trafficHeader = [
	"packets in",
	"bytes in",
	"packets out",
	"bytes out",
];

/** The cells under `trafficHeader`. */
export const trafficCells = ({ ingress, egress }: TwoWayTraffic) =>
	[ingress.packets, ingress.bytes, egress.packets, egress.bytes].map(String);

/** The counters of a row by names, for `watch`. */
export const trafficCounters = ({ ingress, egress }: TwoWayTraffic) => ({
	packetsIn: ingress.packets,
	bytesIn: ingress.bytes,
	packetsOut: egress.packets,
	bytesOut: egress.bytes,
});

export const trafficRatesHeader = trafficHeader.map((name) => {
	const [what, direction] = name.split(" ");
	return `${what}/s ${direction}`;
});

/** The cells under `trafficRatesHeader`. */
export const trafficRates = (rates: Readonly<Record<string, number>>) =>
	["packetsIn", "bytesIn", "packetsOut", "bytesOut"].map((name) =>
		String(Math.round(rates[name] ?? 0)),
	);
