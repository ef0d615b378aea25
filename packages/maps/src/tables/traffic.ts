import { perCpu, struct, u32, u64, type ValueOf } from "../codec.js";
import { perCpuHash } from "../table.js";
import { direction32 } from "./config-flags.js";
import { sid } from "./service.js";

/** A tunnel's traffic is the sum of its rows, a service's likewise. Mirrors `struct traffic_key` in `bpf/tunnel/tables.h`. */
export type TrafficKey = ValueOf<typeof trafficKey>;

const trafficKey = struct(12, {
	tunnel: [0, u32],
	sid: [4, sid],
	/** 0 ingress, 1 egress. */
	direction: [8, direction32],
});

/** Bytes are those of the inner packets, from the IP header on. Mirrors `struct traffic`. */
export type Traffic = ValueOf<typeof traffic>;

export const traffic = struct(16, {
	packets: [0, u64],
	bytes: [8, u64],
});

/** Traffic by tunnel, service and direction, for each CPU. */
export const trafficTable = perCpuHash(
	"map_tunnel_stats",
	trafficKey,
	perCpu(traffic),
);
