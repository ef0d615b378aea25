import { struct, text, u32, type ValueOf } from "../codec.js";
import { NO_PREALLOC, type Table } from "../table.js";

/**
 * Which program a row is for: `queue` 0 ingress, 1 egress; `ifindex` 0 is every interface without a row of its own.
 * Mirrors `struct config_key` in `bpf/tunnel/tables.h`.
 */
export type ConfigKey = ValueOf<typeof configKey>;

export const configKey = struct(8, {
	ifindex: [0, u32],
	queue: [4, u32],
});

/** What a program does with the packets of an interface. Mirrors `struct config`. */
export type Config = ValueOf<typeof config>;

export const config = struct(40, {
	id: [0, u32],
	/** Bits of `enum rx_flag` or `enum tx_flag`, by the key's queue. */
	flags: [4, u32],
	name: [8, text(32)],
});

/** TABLE-CONFIG. */
export const configTable: Table<ConfigKey, Config> = {
	name: "map_config",
	type: "hash",
	flags: NO_PREALLOC,
	key: configKey,
	value: config,
};
