import { bytes, struct, u64, type ValueOf } from "../codec.js";
import { hash } from "../table.js";
import { sid } from "./service.js";

/** One of the two keys of a rotation. Mirrors `struct accepted_key` in `bpf/tunnel/tables.h`. */
export type AcceptedKey = ValueOf<typeof acceptedKey>;

const acceptedKey = struct(48, {
	key: [0, bytes(16)],
	/** The signing key that goes with it; zero: none. */
	signing: [16, bytes(16)],
	/** Packets that came with it while the service's own key was the other one. */
	packets: [32, u64],
	/** Nanoseconds since boot (CLOCK_BOOTTIME) of the last of these; 0: none. */
	lastPacket: [40, u64],
});

/** Both keys of a service while they are rotated. Mirrors `struct rotation`. */
export type Rotation = ValueOf<typeof rotation>;

export const rotation = struct(96, {
	old: [0, acceptedKey],
	next: [48, acceptedKey],
});

/** sid → both keys; the service's own key is one of them. No row: no rotation. */
export const rotationTable = hash("map_rotation", sid, rotation, {
	optional: true,
	// packets and lastPacket of both, by packets
	learned: [
		[32, 48],
		[80, 96],
	],
});
