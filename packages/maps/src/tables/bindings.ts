import {
	address,
	type Codec,
	struct,
	u8,
	u16,
	u32,
	type ValueOf,
} from "../codec.js";
import { NO_PREALLOC, type Table } from "../table.js";

/**
 * What a packet has to be for a binding to match it. Mirrors `struct binding_key` in `bpf/dispatcher/dispatcher.h`.
 *
 * `prefixlen` is counted in bits from the protocol on: an IPv4 /24 is 24 + 96 + 24. `port` is in host order, as
 * `struct bpf_sk_lookup` has `local_port`; 0 is every port.
 */
export type BindingKey = ValueOf<typeof bindingKey>;

export const bindingKey = struct(23, {
	prefixlen: [0, u32],
	protocol: [4, u8],
	port: [5, u16],
	addr: [7, address],
});

/** Where a binding leads, and its key's prefix length. Mirrors `struct binding`. */
export type BindingValue = ValueOf<typeof binding>;

export const binding = struct(8, {
	/** Of a destination. */
	id: [0, u32],
	prefixlen: [4, u32],
});

/**
 * Bindings by longest prefix. A lookup gives the longest match, which is the key's own entry only if the prefix
 * lengths are the same.
 */
export const bindingsTable: Table<BindingKey, BindingValue> = {
	name: "bindings",
	type: "lpm_trie",
	flags: NO_PREALLOC,
	key: bindingKey,
	value: binding,
};

/** A binding's key as a string of 23 characters, one for each byte: what hundreds of thousands of them are compared by. */
export const packedBindingKey: Codec<string> = {
	size: bindingKey.size,
	read: (buffer, at) => buffer.toString("latin1", at, at + bindingKey.size),
	write: (buffer, at, value) =>
		void buffer.write(value, at, bindingKey.size, "latin1"),
};

/** Prefix length of a packed key, in bits from the protocol on: at most 152, so its first byte is all of it. */
export const keyBitsOf = (key: string) => key.charCodeAt(0);

const LONGEST_KEY = 8 * (bindingKey.size - 4);

/**
 * Where a key stands in the order in which the data plane prefers bindings: longer prefixes first, and on the same
 * prefix a port before every port. Keys of the same rank never match the same packet.
 */
export const precedence = (key: string) =>
	2 * (LONGEST_KEY - keyBitsOf(key)) + (isEveryPort(key) ? 1 : 0);

const isEveryPort = (key: string) =>
	key.charCodeAt(5) === 0 && key.charCodeAt(6) === 0;

/**
 * The bindings table with packed keys, one entry for each key: a lookup does not give that of a shorter prefix.
 *
 * Adds are made in the order in which the data plane prefers bindings, deletes in the opposite order: at any moment a
 * packet goes where it went before, or where it goes afterwards.
 */
export const packedBindingsTable: Table<string, BindingValue> = {
	...bindingsTable,
	key: packedBindingKey,
	order: precedence,
	isOwn: (key, value) => key.readUInt32LE(0) === value.readUInt32LE(4),
};
