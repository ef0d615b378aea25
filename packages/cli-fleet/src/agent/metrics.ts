import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Observer } from "./agent.js";
import type { AgentStatus } from "./status.js";

/**
 * An agent's state as Prometheus metrics.
 * @param isDrifted whether other programs have changed rows
 */
export function metricsOf(isDrifted: () => boolean): {
	registry: Registry;
	observer: Observer;
} {
	const registry = new Registry();
	const registers = [registry];
	let lastNews = performance.now();
	const isConnected = new Gauge({
		registers,
		name: "sluice_fleet_connected",
		help: "Whether the agent watches the store",
	});
	new Gauge({
		registers,
		name: "sluice_fleet_stale_seconds",
		help: "Time since the store was heard last: it answers each second",
		collect() {
			this.set((performance.now() - lastNews) / 1000);
		},
	});
	const generation = new Gauge({
		registers,
		name: "sluice_fleet_generation",
		help: "Generation of the last commit that was seen, and of the one that was applied",
		labelNames: ["kind"],
	});
	const refused = new Gauge({
		registers,
		name: "sluice_fleet_refused",
		help: "1 where the last commit was refused, by the reason",
		labelNames: ["code"],
	});
	const seconds = new Histogram({
		registers,
		name: "sluice_fleet_apply_seconds",
		help: "Time that applying a commit took",
		buckets: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3],
	});
	const sincePush = new Histogram({
		registers,
		name: "sluice_fleet_put_to_row_seconds",
		help: "Time from a push, by the clock of the machine that pushed, until its rows were in the kernel",
		buckets: [0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30],
	});
	new Gauge({
		registers,
		name: "sluice_fleet_drift",
		help: "1 where other programs have changed rows since the last apply",
		collect() {
			this.set(isDrifted() ? 1 : 0);
		},
	});
	const rows = new Gauge({
		registers,
		name: "sluice_fleet_rows",
		help: "Rows that were applied",
		labelNames: ["table"],
	});
	const relists = new Counter({
		registers,
		name: "sluice_fleet_relists_total",
		help: "Times that all rows were listed, by the reason",
		labelNames: ["why"],
	});
	isConnected.set(0);
	return {
		registry,
		observer: {
			connected: (is) => isConnected.set(is ? 1 : 0),
			news: () => {
				lastNews = performance.now();
			},
			relisted: (why) => relists.inc({ why }),
			applied: (duration, latency) => {
				seconds.observe(duration);
				if (latency !== undefined) sincePush.observe(Math.max(0, latency));
			},
			status(status: AgentStatus) {
				generation.set({ kind: "seen" }, status.seen);
				generation.set({ kind: "applied" }, status.applied);
				refused.reset();
				if (status.refused) refused.set({ code: status.refused.code }, 1);
				for (const [table, count] of Object.entries(status.rows))
					rows.set({ table }, count);
			},
		},
	};
}
