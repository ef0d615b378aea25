import { address, bytes, struct, u32, u64, type ValueOf } from "../codec.js";
import { hash } from "../table.js";
import { sid } from "./service.js";

/** Bits of `flags` of a signing key: `enum signing_flag` in bpf/tunnel/tables.h. */
export const signingFlags = { required: 1 } as const;

/** How pings of a service are signed. Mirrors `struct signing` in `bpf/tunnel/tables.h`. */
export type Signing = ValueOf<typeof signing>;

export const signing = struct(36, {
	/** Never travels. */
	key: [0, bytes(16)],
	/** This host's own secret, under which it makes its challenges. */
	challenge: [16, bytes(16)],
	flags: [32, u32],
});

/** sid → signing key. */
export const signingTable = hash("map_signing", sid, signing, {
	optional: true,
});

/** The last signed ping of a tunnel. Mirrors `struct ping_time`. */
export type PingTime = ValueOf<typeof pingTime>;

export const pingTime = struct(8, {
	/** By the sender's clock, nanoseconds (CLOCK_TAI). */
	time: [0, u64],
});

/** Tunnel id → its last signed ping; written by ingress. */
export const pingTimeTable = hash("map_ping_time", u32, pingTime, {
	optional: true,
	learned: [[0, 8]],
});

/** Tunnel id → how many of its services require signed pings. No row: none. */
export const signedOnlyTable = hash("map_signed_only", u32, u32, {
	optional: true,
});

/** What packets of a tunnel carry, by its number: `enum token_mode` in bpf/tunnel/tables.h. */
export const tokenModes = ["off", "accept", "send", "require"] as const;

export type TokenMode = (typeof tokenModes)[number];

/** Where the mode stands in the flags of a tunnel's options. */
export const TOKEN_SHIFT = 8;

/** Where the outer source port of a tunnel's packets is from: the tunnel's local port, or a hash of each flow. */
export const sourcePorts = ["fixed", "flow"] as const;

export type SourcePort = (typeof sourcePorts)[number];

/** The bit of `flow` in the flags of a tunnel's options: `enum tunnel_flag`. */
export const FLOW_PORT = 1;

/** `moveAfter` of a tunnel whose far end no unsigned ping moves. */
export const MOVE_NEVER = 0xffff_ffff;

/** Mirrors `struct tunnel_options`. */
export type TunnelOptions = ValueOf<typeof tunnelOptions>;

export const tunnelOptions = struct(28, {
	/** Where a ping may move the far end to: a prefix. */
	within: [0, address],
	/** Its length, of 128; an IPv4 /24 is 96 + 24. */
	withinBits: [16, u32],
	/** Seconds without a ping before one that is not signed may move the far end; or MOVE_NEVER. */
	moveAfter: [20, u32],
	flags: [24, u32],
});

/** Tunnel id → its options. No row: any ping may move the far end. */
export const tunnelOptionsTable = hash("map_tunnel_opts", u32, tunnelOptions, {
	optional: true,
});
