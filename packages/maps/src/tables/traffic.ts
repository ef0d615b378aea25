import { perCpu, struct, u32, u64, type ValueOf } from "../codec.js";
import { array, perCpuArray, perCpuHash } from "../table.js";
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

/** Owner of a slot that is being freed: the programs give no slot to the service of this number. */
export const FREED_SLOT = 0xffff_ffff_ffff_ffffn;

/** Slot → its owner, the service that is counted there: the bytes of its `TrafficKey` before the direction; 0: none. */
export const trafficOwnerTable = array("map_traffic_owner", u32, u64, {
	isUsed: (values, at) => values.readBigUInt64LE(at) !== 0n,
});

/** Counters by 2 × slot + direction, for each CPU. */
export const trafficSlotTable = perCpuArray(
	"map_traffic_slot",
	u32,
	perCpu(traffic),
);

/** Traffic by tunnel, service and direction, for each CPU. A table that is opened has the counters of the slots in its rows. */
export const trafficTable = perCpuHash(
	"map_tunnel_stats",
	trafficKey,
	perCpu(traffic),
	{ slots: { owners: trafficOwnerTable, counters: trafficSlotTable } },
);
