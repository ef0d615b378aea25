import { type Codec, struct, u8, u16, u32, u64 } from "../codec.js";
import { array, hash } from "../table.js";
import { binding, packedBindingKey } from "./bindings.js";

// The index of the bindings, `bpf/dispatcher/index.h`. Only the program `write_bindings` writes to it.

const KEY_SIZE = 20;

/** Length, protocol, port and address of a prefix, packed. Mirrors `struct index_key`. */
export const indexKey: Codec<string> = {
	size: KEY_SIZE,
	read: (buffer, at) => buffer.toString("latin1", at, at + KEY_SIZE),
	write: (buffer, at, value) =>
		void buffer.write(value, at, KEY_SIZE, "latin1"),
};

/** Bits of a trie's key before its address: protocol and port. */
const HEADER_BITS = 24;
/** Bytes of its prefix length. */
const PREFIXLEN_SIZE = 4;

/** The key of `packedBindingsTable` → that of `indexBindingsTable`. */
export const indexKeyOf = (packed: string) =>
	String.fromCharCode(packed.charCodeAt(0) - HEADER_BITS) +
	packed.slice(PREFIXLEN_SIZE);

/** All bindings of the trie. */
export const indexBindingsTable = hash("index_bindings", indexKey, binding);

/** Which bindings are counted together. Mirrors `struct index_length_key`. */
const indexLengthKey = struct(4, {
	/** Of the prefix in 128 bits: 96 more for IPv4. */
	length: [0, u8],
	protocol: [1, u8],
	/** In host order; 0 is every port. */
	port: [2, u16],
});

/** How many bindings have a length, protocol and port. */
export const indexLengthsTable = hash("index_lengths", indexLengthKey, u32);

/** Port, 65536 more for UDP → the lengths that bindings have, the longest in the lowest byte; all ones: too many. */
export const indexRowsTable = array("index_rows", u32, u32);

/** At 0: how many bindings there are. */
export const indexSizeTable = array("index_size", u32, u64);

/** A change of a binding, as `write_bindings` takes it. Mirrors `struct change` in `bpf/dispatcher/write_bindings.h`. */
export const bindingChange = struct(32, {
	/** 0 sets, 1 deletes. */
	kind: [0, u8],
	key: [1, packedBindingKey],
	binding: [24, binding],
});
