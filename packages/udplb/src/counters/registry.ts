import { endpointText } from "@sluice/maps/address";
import { Counter, Gauge, Registry } from "prom-client";
import type { InterfaceCounters } from "./read-all.js";

/**
 * A registry that reads the counters anew for every scrape.
 * @param failed called with the reason why the tables could not be read; the scrape then carries the error count alone
 */
export function registryOf(
	read: () => InterfaceCounters[],
	version: string,
	failed: (message: string) => void,
): Registry {
	const registry = new Registry();
	const registers = [registry];
	const upstreamLabels = ["interface", "key", "upstream", "action"] as const;
	const packets = new Counter({
		name: "udplb_packets_total",
		help: "IP packets sent to each upstream",
		labelNames: upstreamLabels,
		registers,
	});
	const bytes = new Counter({
		name: "udplb_bytes_total",
		help: "Bytes sent to each upstream, from the IP header on",
		labelNames: upstreamLabels,
		registers,
	});
	const outcomes = new Counter({
		name: "udplb_outcomes_total",
		help: "What became of packets to the keys, and what else is counted",
		labelNames: ["interface", "outcome"] as const,
		registers,
	});
	const weight = new Gauge({
		name: "udplb_upstream_weight",
		help: "Weight of each upstream",
		labelNames: upstreamLabels,
		registers,
	});
	const errors = new Counter({
		name: "udplb_collection_errors_total",
		help: "Scrapes for which the tables could not be read",
		registers,
	});
	const build = new Gauge({
		name: "build_info",
		help: "The version of udplb",
		labelNames: ["version"] as const,
		registers,
	});
	build.set({ version }, 1);

	const collect = () => {
		for (const metric of [packets, bytes, outcomes, weight]) metric.reset();
		for (const counters of read()) {
			for (const one of counters.upstreams) {
				const labels = {
					interface: counters.interface,
					key: endpointText(one.key.address, one.key.port),
					upstream: endpointText(one.upstream.address, one.upstream.port),
					action: one.action,
				};
				packets.inc(labels, Number(one.packets));
				bytes.inc(labels, Number(one.bytes));
				weight.set(labels, one.weight);
			}
			for (const [outcome, count] of Object.entries(counters.outcomes))
				outcomes.inc({ interface: counters.interface, outcome }, Number(count));
		}
	};
	const text = registry.metrics.bind(registry);
	registry.metrics = () => {
		try {
			collect();
		} catch (error) {
			errors.inc();
			failed((error as Error).message);
		}
		return text();
	};
	return registry;
}
