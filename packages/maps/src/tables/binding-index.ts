import { type Codec, struct, u8, u32, u64 } from "../codec.js";
import { NO_PREALLOC, type Table } from "../table.js";
import {
	type BindingValue,
	binding,
	bindingKey,
	packedBindingKey,
} from "./bindings.js";

/** Bytes of a binding's key that the index leaves out: all of its prefix length but the last, which is 0. */
const LEFT_OUT = 3;

/** A binding's key, packed, as the index has it: all of it that tells single addresses apart. */
export const indexKey: Codec<string> = {
	size: bindingKey.size - LEFT_OUT,
	read: (buffer, at) =>
		buffer.toString("latin1", at, at + bindingKey.size - LEFT_OUT),
	write: (buffer, at, value) =>
		void buffer.write(value, at, bindingKey.size - LEFT_OUT, "latin1"),
};

/** The key of `packedBindingsTable` of a single address → its key in the index. */
export const indexKeyOf = (packed: string) => packed.slice(LEFT_OUT);

/** Bindings of single addresses, the same as in the trie. Only `write_bindings` of the program's object writes here. */
export const bindingIndexTable: Table<string, BindingValue> = {
	name: "binding_index",
	type: "hash",
	flags: NO_PREALLOC,
	key: indexKey,
	value: binding,
};

/** At 0: how many bindings are not of a single address. */
export const indexSubnetsTable: Table<number, bigint> = {
	name: "index_subnets",
	type: "array",
	flags: 0,
	key: u32,
	value: u64,
};

/** A change of a binding, as `write_bindings` takes it. Mirrors `struct change` in `bpf/dispatcher/dispatcher_indexed.bpf.c`. */
export const bindingChange = struct(32, {
	/** 0 sets, 1 deletes. */
	kind: [0, u8],
	key: [1, packedBindingKey],
	binding: [24, binding],
});
