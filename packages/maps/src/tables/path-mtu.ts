import { address, struct, u16be, u32, u64, type ValueOf } from "../codec.js";
import { lruHash } from "../table.js";

/** Both ends of a tunnel's outer header. Mirrors `struct path_ends` in `bpf/tunnel/path_mtu.h`. */
export type PathEnds = ValueOf<typeof pathEnds>;

const pathEnds = struct(36, {
	local: [0, address],
	remote: [16, address],
	localPort: [32, u16be],
	remotePort: [34, u16be],
});

/** What a router between the ends has reported. Mirrors `struct path_mtu`. */
export type PathMtu = ValueOf<typeof pathMtu>;

export const pathMtu = struct(16, {
	/** Bytes of the outer packet, from its IP header on. */
	mtu: [0, u32],
	/** Nanoseconds since boot (CLOCK_BOOTTIME), after which it no longer holds. */
	expires: [8, u64],
});

/** Ends of a tunnel → MTU of the path between them; the oldest go when it is full. */
export const pathMtuTable = lruHash("map_path_mtu", pathEnds, pathMtu);
