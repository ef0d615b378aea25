import type { Codec } from "./codec.js";
import type { Rank } from "./rank.js";

/** Map types, as `enum bpf_map_type` in linux/bpf.h numbers them. */
export const mapTypes = {
	hash: 1,
	array: 2,
	percpu_hash: 5,
	percpu_array: 6,
	lru_hash: 9,
	lpm_trie: 11,
	sockmap: 15,
	ringbuf: 27,
} as const;

export type MapType = keyof typeof mapTypes;

/** `BPF_F_NO_PREALLOC`: entries are allocated when they are written, so an empty table costs little. */
export const NO_PREALLOC = 1;

/**
 * What a pinned map is expected to be: plain data, known without a kernel.
 * A per-CPU table has `perCpu(codec)` for its value.
 */
export interface Table<K, V> {
	/** The pin's file name, which is the C variable's name. */
	readonly name: string;
	readonly type: MapType;
	/** `map_flags` of the C definition. */
	readonly flags: number;
	readonly key: Codec<K>;
	readonly value: Codec<V>;
	/** Added after the first release: where the attached programs lack it, it is empty and refuses to be written. */
	readonly optional?: true;
	/** The order in which entries are added; they are deleted in the opposite one. */
	order?(key: K): number | string;
	/** Whether a value that a lookup gave is the key's own: a trie gives that of the longest prefix which matches. */
	readonly isOwn?: (key: Buffer, value: Buffer) => boolean;
	/**
	 * Whether a row of an array is in use: an array has all its rows from the start. `entries` and `forEach` leave the
	 * others out.
	 */
	readonly isUsed?: (values: Buffer, at: number) => boolean;
	/** The tables of the slots in which busy rows are counted; programs of the first release have none. */
	readonly slots?: {
		owners: Table<number, bigint>;
		counters: Table<number, unknown>;
	};
	/** Bytes of the value that the data path writes, too. */
	readonly learned?: readonly (readonly [from: number, to: number])[];
}

/** @returns what describes a table of the type; `flags` is what our maps of the type have by default */
const tableOf =
	(type: MapType, flags: number) =>
	<K, V>(
		name: string,
		key: Codec<K>,
		value: Codec<V>,
		options: Partial<Omit<Table<K, V>, "name" | "type" | "key" | "value">> = {},
	): Table<K, V> => ({ name, type, flags, key, value, ...options });

export const hash = tableOf("hash", NO_PREALLOC);
export const lruHash = tableOf("lru_hash", 0);
export const perCpuHash = tableOf("percpu_hash", NO_PREALLOC);
export const array = tableOf("array", 0);
export const perCpuArray = tableOf("percpu_array", 0);

// biome-ignore lint/suspicious/noExplicitAny: each table keeps its own types to itself
export type AnyTable = Table<any, any>;

/** How `set` treats an entry that is there already: `any` overwrites, `new` refuses it, `exist` demands it. */
export type SetMode = "any" | "new" | "exist";

/** Entries as bytes, one behind the other. */
export interface Batch {
	keys: Buffer;
	values: Buffer;
	/** Entries in the two buffers. */
	count: number;
}

/** A table in the kernel. Missing entries are `undefined` or `false`; an error is the kernel refusing. */
export interface OpenTable<K, V> {
	readonly name: string;
	/** The kernel's id of the map. */
	readonly id: number;
	/** Entries that fit. */
	readonly maxEntries: number;
	readonly fd: number;

	get(key: K): V | undefined;
	/** @throws BpfError E2BIG the table is full; EEXIST, ENOENT as `mode` says. */
	set(key: K, value: V, mode?: SetMode): void;
	/** Whether there was such an entry. */
	delete(key: K): boolean;
	/**
	 * All entries, in no order. Each bucket of a hash map is read in one step; entries written meanwhile may be
	 * there or not. Deleting while iterating is safe.
	 */
	entries(): IterableIterator<[K, V]>;
	/**
	 * Calls `visit` with every entry, as `entries` gives them, or by rank. Each is made when it is its turn: of a large
	 * table, not all are there at once. Use it for large tables: per-row iterator calls dominate their cost.
	 */
	forEach(visit: (key: K, value: V) => void, rank?: Rank<K>): void;
	/** All entries as bytes, as `entries` gives them. The buffers are the caller's until the next batch. */
	batches(): IterableIterator<Batch>;
	/**
	 * Writes many entries by the kernel's batch operation.
	 * @throws BpfError as `set`; entries before the one that failed are written.
	 */
	setMany(entries: Iterable<readonly [K, V]>): void;
	/** Deletes many entries. Returns how many there were. */
	deleteMany(keys: Iterable<K>): number;
	close(): void;
}
