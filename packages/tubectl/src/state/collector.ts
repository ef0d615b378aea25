import type { Context } from "@sluice/cli-kit";
import { Counter, Gauge, Registry } from "prom-client";
import { readTables } from "../commands/open.js";
import { version } from "../version.js";
import { guard } from "./guard.js";
import { type DestinationStatus, readDestinations } from "./status.js";

const labelNames = ["label", "domain", "protocol"];

/**
 * A dispatcher's counters as Prometheus metrics, read anew for each request; the names are tubular's. Where the
 * dispatcher cannot be read, only the count of such errors is left.
 */
export function collector(context: Context): Registry {
	const registry = new Registry();
	const registers = [registry];
	const metric = { labelNames, registers };
	const failures = new Counter({
		registers,
		name: "tubular_collection_errors_total",
		help: "The number of times metrics collection encountered an error.",
		// The first of the metrics: it fills the others before they are read.
		collect() {
			for (const one of Object.values(counters)) one.reset();
			try {
				for (const one of read(context)) fill(counters, one);
			} catch (error) {
				context.warn((error as Error).message);
				failures.inc();
			}
		},
	});
	const counters = {
		lookups: new Counter({
			...metric,
			name: "tubular_lookups_total",
			help: "Total number of times traffic matched a destination.",
		}),
		misses: new Counter({
			...metric,
			name: "tubular_misses_total",
			help: "Total number of failed lookups since no socket was registered.",
		}),
		errors: new Counter({
			registers,
			name: "tubular_errors_total",
			help: "Total number of failed lookups due to an error.",
			labelNames: [...labelNames, "reason"],
		}),
		bindings: new Gauge({
			...metric,
			name: "tubular_bindings",
			help: "The number of bindings for each label.",
		}),
		hasSocket: new Gauge({
			...metric,
			name: "tubular_destination_has_socket",
			help: "Whether or not a destination has a registered socket.",
		}),
	};
	new Gauge({
		registers,
		name: "build_info",
		help: "Build and version information",
		labelNames: ["version", "nodeversion"],
	}).set({ version, nodeversion: process.version }, 1);
	return registry;
}

type Metrics = {
	lookups: Counter;
	misses: Counter;
	errors: Counter;
	bindings: Gauge;
	hasSocket: Gauge;
};

function fill(metrics: Metrics, one: DestinationStatus): void {
	const { label, domain, protocol } = one;
	const labels = { label, domain, protocol };
	metrics.lookups.inc(labels, Number(one.lookups));
	metrics.misses.inc(labels, Number(one.misses));
	metrics.errors.inc(
		{ ...labels, reason: "bad-socket" },
		Number(one.errorsBadSocket),
	);
	metrics.bindings.set(labels, one.bindings);
	metrics.hasSocket.set(labels, one.socket === undefined ? 0 : 1);
}

function read(context: Context): DestinationStatus[] {
	// The dispatcher may have been unloaded since the last request.
	guard.beforeReading(context);
	const tables = readTables(context);
	try {
		return readDestinations(tables);
	} finally {
		tables.close();
	}
}
