import {
	address,
	type Codec,
	perCpu,
	struct,
	u16,
	u16be,
	u32,
	u64,
	type ValueOf,
} from "../codec.js";
import { array, hash, perCpuArray, perCpuHash } from "../table.js";
import { traffic } from "./traffic.js";

/** What udplb balances: the packets to one address and port. Mirrors `struct lb_key` in `bpf/udplb/tables.h`. */
export type LbKey = ValueOf<typeof lbKey>;

const lbKey = struct(20, {
	addr: [0, address],
	port: [16, u16be],
});

/** Where a key's slots are, and what chooses among them. Mirrors `struct lb_choice`. */
export type LbChoice = ValueOf<typeof lbChoice>;

const lbChoice = struct(12, {
	chunk: [0, u32],
	slots: [4, u32],
	strategy: [8, u32],
});

/** `enum strategy`. */
export const lbStrategies = { "src-port": 0, "src-ip": 1 } as const;

/** `enum action`. */
export const lbActions = { pass: 0, block: 1 } as const;

/** Slots in one chunk. */
export const CHUNK_SLOTS = 16;

/** One cache line of slots, each an index of the upstreams. Mirrors `struct lb_chunk`. */
export const lbChunk: Codec<Uint32Array> = {
	size: 4 * CHUNK_SLOTS,
	read: (buffer, at) =>
		Uint32Array.from({ length: CHUNK_SLOTS }, (_, i) =>
			buffer.readUInt32LE(at + 4 * i),
		),
	write: (buffer, at, slots) =>
		void Buffer.from(slots.buffer, slots.byteOffset, slots.byteLength).copy(
			buffer,
			at,
		),
};

/** One upstream of one key. Mirrors `struct lb_upstream`. */
export type LbUpstream = ValueOf<typeof lbUpstream>;

const IN_USE = 52;

const lbUpstream = struct(56, {
	addr: [0, address],
	keyAddr: [16, address],
	port: [32, u16be],
	keyPort: [34, u16be],
	/** A value of `lbActions`. */
	action: [36, u32],
	/** 1: an address of this machine. */
	flags: [40, u32],
	/** Where it leaves if this host does not forward; 0: not known. */
	ifindex: [44, u32],
	weight: [48, u32],
	/** 0: free. */
	inUse: [IN_USE, u32],
});

/** Bit of `LbUpstream.flags`. */
export const LB_LOCAL = 1;

/** One decision. Mirrors `struct lb_event`. */
export const lbEvent = struct(72, {
	/** Nanoseconds since boot (CLOCK_MONOTONIC). */
	time: [0, u64],
	src: [8, address],
	dst: [24, address],
	upstream: [40, address],
	/** 0, as the next: a later fragment, which has no ports. */
	srcPort: [56, u16be],
	dstPort: [58, u16be],
	upstreamPort: [60, u16be],
	/** Index of `lbOutcomes`. */
	outcome: [62, u16],
	/** Of the IP packet. */
	length: [64, u32],
});

/** `enum lb_outcome`, in its order. */
export const lbOutcomes = [
	"sent",
	"copied",
	"delivered",
	"ttl_expired",
	"too_big",
	"no_route",
	"no_copy",
	"not_changed",
	"no_upstream",
	"malformed",
	"late_fragment",
	"detours",
	"events_lost",
	"answered",
	"filter_restored",
] as const;

export type LbOutcome = (typeof lbOutcomes)[number];

export const lbKeysTable = hash("keys", lbKey, lbChoice);

export const lbSlotsTable = array("slots", u32, lbChunk);

export const lbUpstreamsTable = array("upstreams", u32, lbUpstream, {
	isUsed: (values, at) => u32.read(values, at + IN_USE) !== 0,
});

/** IP packets sent to each upstream, for each CPU; no row before the first. Mirrors `struct lb_traffic`. */
export const lbTrafficTable = perCpuHash("traffic", u32, perCpu(traffic));

/** By index of `lbOutcomes`, for each CPU. */
export const lbOutcomesTable = perCpuArray("outcomes", u32, perCpu(u64));

/** Row 0: the identification that the next fragmented datagram is forwarded with. */
export const lbNextIdTable = array("next_id", u32, u32);
