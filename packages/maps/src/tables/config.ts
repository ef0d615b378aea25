import { struct, text, u32, type ValueOf } from "../codec.js";
import { hash } from "../table.js";
import { direction32 } from "./config-flags.js";

/**
 * Which program a row is for; `ifindex` 0 is every interface without a row of its own.
 * Mirrors `struct config_key` in `bpf/tunnel/tables.h`.
 */
export type ConfigKey = ValueOf<typeof configKey>;

const configKey = struct(8, {
	ifindex: [0, u32],
	direction: [4, direction32],
});

/** A program's configuration. Mirrors `struct config`. */
export type Config = ValueOf<typeof config>;

export const config = struct(40, {
	id: [0, u32],
	/** Bits of `enum rx_flag` or `enum tx_flag`, by the key's direction. */
	flags: [4, u32],
	name: [8, text(32)],
});

/** TABLE-CONFIG. */
export const configTable = hash("map_config", configKey, config);
