import { perCpu, struct, u32, u64 } from "@sluice/maps";
import type { Table } from "@sluice/maps/table";

/** The token bucket of ICMP answers. Mirrors `struct icmp_limit` in `bpf/lib/icmp_answer.h`. */
const icmpLimit = struct(16, {
	/** In nanoseconds of waiting. */
	tokens: [0, u64],
	/** Nanoseconds of CLOCK_MONOTONIC when they were counted. */
	time: [8, u64],
});

/** A private map of the egress program. Row 0, for each CPU. */
export const icmpLimitTable: Table<number, { tokens: bigint; time: bigint }[]> =
	{
		name: "icmp_limit",
		type: "percpu_array",
		flags: 0,
		key: u32,
		value: perCpu(icmpLimit),
	};
