import { closeSync } from "node:fs";
import { lookupBatches, runBatch } from "./batch.js";
import { check } from "./errors.js";
import type { MapInfo } from "./info.js";
import {
	bpf_map_delete_elem,
	bpf_map_get_next_key,
	bpf_map_lookup_elem,
	bpf_map_update_elem,
} from "./libbpf.js";
import { OrderedRows } from "./ordered-rows.js";
import type { Rank } from "./rank.js";
import type { Batch, OpenTable, SetMode, Table } from "./table.js";

const ENOENT = -2;
const modes: Record<SetMode, number> = { any: 0, new: 1, exist: 2 };

/** A map behind a descriptor, as a table. Buffers for one key and one value are made once and reused. */
export class KernelTable<K, V> implements OpenTable<K, V> {
	readonly name: string;
	readonly id: number;
	readonly maxEntries: number;
	readonly fd: number;
	/** Entries that one call of `writePacked` or `deletePacked` changes together: a kill cannot cut them in two. */
	readonly atOnce: number = 16_384;
	readonly #table: Table<K, V>;
	readonly #key: Buffer;
	readonly #value: Buffer;
	protected isOpen = true;

	constructor(table: Table<K, V>, fd: number, info: MapInfo) {
		this.name = table.name;
		this.id = info.id;
		this.maxEntries = info.maxEntries;
		this.fd = fd;
		this.#table = table;
		// What the kernel writes is as large as its own idea of the sizes, until they have been compared.
		this.#key = Buffer.alloc(Math.max(table.key.size, info.keySize));
		this.#value = Buffer.alloc(Math.max(table.value.size, info.valueSize));
	}

	get(key: K): V | undefined {
		this.#table.key.write(this.#key, 0, key);
		if (!this.readPacked(this.#key, this.#value)) return undefined;
		return this.#table.value.read(this.#value, 0);
	}

	set(key: K, value: V, mode: SetMode = "any"): void {
		this.#table.key.write(this.#key, 0, key);
		this.#table.value.write(this.#value, 0, value);
		check(
			bpf_map_update_elem(this.fd, this.#key, this.#value, modes[mode]),
			`write ${this.name}`,
		);
	}

	delete(key: K): boolean {
		this.#table.key.write(this.#key, 0, key);
		const status = bpf_map_delete_elem(this.fd, this.#key);
		if (status === ENOENT) return false;
		check(status, `delete from ${this.name}`);
		return true;
	}

	*entries(): IterableIterator<[K, V]> {
		const { key, value, isUsed } = this.#table;
		for (const { keys, values, count } of this.batches())
			for (let i = 0; i < count; i++)
				if (isUsed?.(values, i * value.size) ?? true)
					yield [
						key.read(keys, i * key.size),
						value.read(values, i * value.size),
					];
	}

	forEach(visit: (key: K, value: V) => void, rank?: Rank<K>): void {
		const { key, value, isUsed } = this.#table;
		if (rank) {
			new OrderedRows(this.#table, this.batches(), rank).forEach(visit);
			return;
		}
		for (const { keys, values, count } of this.batches())
			for (let i = 0; i < count; i++)
				if (isUsed?.(values, i * value.size) ?? true)
					visit(
						key.read(keys, i * key.size),
						value.read(values, i * value.size),
					);
	}

	setMany(entries: Iterable<readonly [K, V]>): void {
		const { key, value } = this.#table;
		const list = Array.isArray(entries) ? entries : [...entries];
		const keys = Buffer.allocUnsafe(list.length * key.size);
		const values = Buffer.allocUnsafe(list.length * value.size);
		let at = 0;
		for (const [k, v] of list) {
			key.write(keys, at * key.size, k);
			value.write(values, at * value.size, v);
			at++;
		}
		this.writePacked(keys, values, list.length);
	}

	deleteMany(wanted: Iterable<K>): number {
		const { key } = this.#table;
		const list = Array.isArray(wanted) ? wanted : [...wanted];
		const keys = Buffer.allocUnsafe(list.length * key.size);
		let at = 0;
		for (const k of list) key.write(keys, key.size * at++, k);
		return this.deletePacked(keys, list.length);
	}

	// The same as bytes, for callers that keep many entries packed.

	/** Reads the value of `key` into `value`. Returns whether there is one. */
	readPacked(key: Buffer, value: Buffer): boolean {
		const status = bpf_map_lookup_elem(this.fd, key, value);
		if (status === ENOENT) return false;
		check(status, `read ${this.name}`);
		return this.#table.isOwn?.(key, value) ?? true;
	}

	/** All entries, as `entries`. The buffers are the caller's until the next batch. */
	*batches(): IterableIterator<Batch> {
		const cursor = { started: false };
		try {
			yield* lookupBatches(this.fd, this.#table, this.maxEntries, cursor);
		} catch (error) {
			if (cursor.started || !lacksBatches(error)) throw error;
			yield* this.#oneByOne();
		}
	}

	/** Writes `count` entries, as `setMany`. */
	writePacked(keys: Buffer, values: Buffer, count: number): void {
		if (count === 0) return;
		if (count === 1) {
			check(
				bpf_map_update_elem(this.fd, keys, values, modes.any),
				`write ${this.name}`,
			);
			return;
		}
		const done = runBatch("update", this.fd, keys, values, count);
		if (done.status === 0) return;
		if (!lacksBatches(done)) check(done.status, `write ${this.name}`);
		const { key, value } = this.#table;
		for (let i = 0; i < count; i++)
			check(
				bpf_map_update_elem(
					this.fd,
					keys.subarray(i * key.size),
					values.subarray(i * value.size),
					modes.any,
				),
				`write ${this.name}`,
			);
	}

	/** Deletes `count` entries. Returns how many there were. */
	deletePacked(keys: Buffer, count: number): number {
		if (count === 1) return this.#deleteOneByOne(keys, 1).deleted;
		const { size } = this.#table.key;
		let deleted = 0;
		for (let at = 0; at < count; ) {
			const rest = keys.subarray(at * size);
			const done = runBatch("delete", this.fd, rest, null, count - at);
			if (done.status !== 0 && lacksBatches(done))
				return deleted + this.#deleteOneByOne(rest, count - at).deleted;
			deleted += done.count;
			at += done.count;
			if (done.status === 0) break;
			if (done.status !== ENOENT)
				check(done.status, `delete from ${this.name}`);
			// The batch stops at a key that is not there, and where one is missing, more are: one by one to the next.
			const more = this.#deleteOneByOne(
				keys.subarray(++at * size),
				count - at,
				1,
			);
			deleted += more.deleted;
			at += more.tried;
		}
		return deleted;
	}

	close(): void {
		// Once: the number may be another file's by the second time.
		if (this.isOpen) closeSync(this.fd);
		this.isOpen = false;
	}

	/**
	 * For maps without a batch lookup. The next key is fetched before the current entry is handed out, so that
	 * deleting it does no harm; the count is bounded, because a key that vanishes makes the kernel start again.
	 */
	*#oneByOne(): IterableIterator<Batch> {
		const { key } = this.#table;
		let current: Buffer | null = null;
		let next: Buffer = Buffer.alloc(key.size);
		for (let i = 0; i <= this.maxEntries; i++) {
			const status = bpf_map_get_next_key(this.fd, current, next);
			if (current && this.readPacked(current, this.#value))
				yield { keys: current, values: this.#value, count: 1 };
			if (status === ENOENT) return;
			check(status, `read ${this.name}`);
			[current, next] = [next, current ?? Buffer.alloc(key.size)];
		}
	}

	/** @param enough how many to delete at the most */
	#deleteOneByOne(
		keys: Buffer,
		count: number,
		enough = count,
	): { deleted: number; tried: number } {
		const { size } = this.#table.key;
		let deleted = 0;
		let tried = 0;
		while (tried < count && deleted < enough) {
			const key = keys.subarray(tried++ * size);
			const status = bpf_map_delete_elem(this.fd, key);
			if (status === ENOENT) continue;
			check(status, `delete from ${this.name}`);
			deleted++;
		}
		return { deleted, tried };
	}
}

/** Whether the kernel has no batch operations for this type of map. */
function lacksBatches(error: unknown): boolean {
	const { status, code } = error as { status?: number; code?: string };
	return (
		status === -524 ||
		status === -95 ||
		code === "ENOTSUPP" ||
		code === "EOPNOTSUPP"
	);
}
