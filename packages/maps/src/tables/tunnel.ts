import { address, struct, u16be, u32, u64, type ValueOf } from "../codec.js";
import { hash } from "../table.js";

/**
 * The outer header of one GUE tunnel: what egress writes and ingress expects.
 *
 * A `remote` of `::` means the far end is not known yet: egress drops, and ingress learns it from the first GUE ping.
 * Mirrors `struct tunnel` in `bpf/tunnel/tables.h`.
 */
export type Tunnel = ValueOf<typeof tunnel>;

export const tunnel = struct(48, {
	local: [0, address],
	remote: [16, address],
	localPort: [32, u16be],
	remotePort: [34, u16be],
	/** Nanoseconds since boot (CLOCK_BOOTTIME); 0: no ping yet. */
	lastPing: [40, u64],
});

/** TABLE-TUNNEL: tunnel id → tunnel. */
export const tunnelTable = hash("map_tunnel", u32, tunnel, {
	// remote, remotePort, lastPing: by pings
	learned: [
		[16, 32],
		[34, 36],
		[40, 48],
	],
});
