import type { DestinationMetrics } from "@sluice/maps/tables";
import { domainOf, protocolOf } from "../binding/binding.js";
import type { Destination } from "./destinations.js";
import type { Tables } from "./tables.js";

/** A destination with its socket and counters. */
export interface DestinationStatus extends Destination, DestinationMetrics {
	/** Bindings that lead here. */
	bindings: number;
	/** Cookie of its socket. */
	socket: bigint | undefined;
}

/** Destinations that a binding or a socket refers to, by label, domain and protocol. */
export function readDestinations(tables: Tables): DestinationStatus[] {
	const found: DestinationStatus[] = [];
	for (const [key, { id, count }] of tables.destinations.entries()) {
		// The kernel gives 0 for a socket that is about to go.
		const socket = tables.sockets.get(id) || undefined;
		if (count === 0 && socket === undefined) continue;
		found.push({
			label: key.label,
			domain: domainOf(key.domain),
			protocol: protocolOf(key.protocol),
			bindings: count,
			socket,
			...sum(tables.metrics.get(id) ?? []),
		});
	}
	return found.sort(
		(a, b) =>
			compare(a.label, b.label) ||
			compare(a.domain, b.domain) ||
			compare(a.protocol, b.protocol),
	);
}

function sum(perCpu: readonly DestinationMetrics[]): DestinationMetrics {
	const total = { lookups: 0n, misses: 0n, errorsBadSocket: 0n };
	for (const { lookups, misses, errorsBadSocket } of perCpu) {
		total.lookups += lookups;
		total.misses += misses;
		total.errorsBadSocket += errorsBadSocket;
	}
	return total;
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
