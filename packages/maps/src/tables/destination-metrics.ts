import { perCpu, struct, u32, u64, type ValueOf } from "../codec.js";
import { perCpuArray } from "../table.js";

/** What became of a destination's traffic. Mirrors `struct destination_metrics` in `bpf/dispatcher/dispatcher.h`. */
export type DestinationMetrics = ValueOf<typeof destinationMetrics>;

const destinationMetrics = struct(24, {
	lookups: [0, u64],
	/** Dropped: no socket was registered. */
	misses: [8, u64],
	/** Dropped: the socket was not fit for the traffic. */
	errorsBadSocket: [16, u64],
});

/** Destination id → counters, for each CPU. */
export const destinationMetricsTable = perCpuArray(
	"destination_metrics",
	u32,
	perCpu(destinationMetrics),
);
