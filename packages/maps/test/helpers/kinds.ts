import path from "node:path";
import { compileBpf } from "@sluice/testbed";
import type { ExecutionContext } from "ava";
import {
	bytes,
	perCpu,
	struct,
	u16,
	u16be,
	u32,
	u64,
} from "../../src/codec.js";
import { loadObject, wrapMap } from "../../src/index.js";
import { NO_PREALLOC, type Table } from "../../src/table.js";

// The maps of test/fixtures/kinds.bpf.c.

export const pair = struct(8, {
	number: [0, u32],
	port: [4, u16be],
	rest: [6, u16],
});

export const hashTable: Table<
	number,
	{ number: number; port: number; rest: number }
> = {
	name: "hash",
	type: "hash",
	flags: NO_PREALLOC,
	key: u32,
	value: pair,
};

export const percpuTable: Table<number, number[]> = {
	name: "percpu",
	type: "percpu_hash",
	flags: 0,
	key: u32,
	value: perCpu(u32),
};

export const trieTable: Table<{ length: number; bytes: Buffer }, bigint> = {
	name: "trie",
	type: "lpm_trie",
	flags: NO_PREALLOC,
	key: struct(8, { length: [0, u32], bytes: [4, bytes(4)] }),
	value: u64,
};

export const arrayTable: Table<number, number> = {
	name: "array",
	type: "array",
	flags: 0,
	key: u32,
	value: u32,
};

export const kinds = () =>
	compileBpf(path.join(import.meta.dirname, "../fixtures/kinds.bpf.c"));

/** A new map as a table, which goes with the test. */
export function fresh<K, V>(t: ExecutionContext, table: Table<K, V>) {
	const object = loadObject(kinds());
	t.teardown(() => object.close());
	return wrapMap(table, object.mapFd(table.name));
}
