import { address, struct, u8, u16be, u32, u64 } from "../codec.js";
import { lruHash } from "../table.js";
import { direction8 } from "./config-flags.js";

/** One fragmented packet in one direction. Mirrors `struct frag_key` in `bpf/lib/fragment.h`. */
const fragKey = struct(40, {
	src: [0, address],
	dst: [16, address],
	id: [32, u32],
	/** 0 for IPv6, whose packets are identified without it. */
	proto: [36, u8],
	/** 0 ingress, 1 egress. */
	direction: [37, direction8],
});

/** What its first fragment has and the later ones have not. Mirrors `struct frag`. */
export const frag = struct(16, {
	srcPort: [0, u16be],
	dstPort: [2, u16be],
	proto: [4, u8],
	/** Nanoseconds of CLOCK_MONOTONIC when the first fragment passed. */
	time: [8, u64],
});

/** Fragmented packet → what its first fragment matched; the oldest go when it is full. */
export const fragTable = lruHash("map_frag", fragKey, frag);
