import type { MapInfo } from "./info.js";
import { KernelTable } from "./kernel-table.js";
import type { Batch, Table } from "./table.js";
import { FREED_SLOT } from "./tables/traffic.js";

/** Bits of a slot's number: `SLOT_LOG2` of `bpf/tunnel/stats.h`. */
const SLOT_LOG2 = 10;
/** Owner of a free slot. */
const NONE = 0n;
/** Where the direction is in a key; before it are tunnel and sid, by which a slot's owner is known. */
const DIRECTION = 8;
/** From so many keys on, all owners are read at once, which is faster. */
const MANY = 64;

const mayOwn = (service: bigint) => service !== NONE && service !== FREED_SLOT;

const ownerOf = (keys: Buffer, at: number) => keys.readBigUInt64LE(at);

/** The slot of a key's service, as `find_slot` of `bpf/tunnel/stats.h` computes it. */
const slotOf = (keys: Buffer, at: number) =>
	(Math.imul(keys.readUInt32LE(at), 0x9e3779b1) +
		Math.imul(keys.readUInt32LE(at + 4), 0x85ebca6b)) >>>
	(32 - SLOT_LOG2);

const rowOf = (slot: number, keys: Buffer, at: number) =>
	2 * slot + keys.readUInt32LE(at + DIRECTION);

/** Traffic counters in a hash table and in slots (see `bpf/tunnel/stats.h`), which are read and deleted as one table. */
export class TrafficCounters<K, V> extends KernelTable<K, V> {
	readonly #table: Table<K, V>;
	readonly #owners: KernelTable<number, bigint>;
	readonly #counters: KernelTable<number, unknown>;
	readonly #row = Buffer.alloc(4);
	readonly #counted: Buffer;

	/** The table owns the other two. */
	constructor(
		table: Table<K, V>,
		fd: number,
		info: MapInfo,
		owners: KernelTable<number, bigint>,
		counters: KernelTable<number, unknown>,
	) {
		super(table, fd, info);
		this.#table = table;
		this.#owners = owners;
		this.#counters = counters;
		this.#counted = Buffer.alloc(table.value.size);
	}

	override readPacked(key: Buffer, value: Buffer): boolean {
		const there = super.readPacked(key, value);
		const slot = slotOf(key, 0);
		const service = ownerOf(key, 0);
		if (!mayOwn(service) || this.#owners.get(slot) !== service) return there;
		if (!there) value.fill(0, 0, this.#table.value.size);
		return this.#add(rowOf(slot, key, 0), value, 0) || there;
	}

	override *batches(): IterableIterator<Batch> {
		const { key, value } = this.#table;
		const rows = new Map<bigint, number>();
		for (const [slot, owner] of this.#owners.entries())
			if (owner !== FREED_SLOT) rows.set(owner, slot);
		const found = new Set<number>();
		for (const batch of super.batches()) {
			const { keys, values, count } = batch;
			for (let i = 0; rows.size > 0 && i < count; i++) {
				const slot = rows.get(ownerOf(keys, i * key.size));
				if (slot === undefined) continue;
				const row = rowOf(slot, keys, i * key.size);
				found.add(row);
				this.#add(row, values, i * value.size);
			}
			yield batch;
		}
		const keys = Buffer.alloc(2 * rows.size * key.size);
		const values = Buffer.alloc(2 * rows.size * value.size);
		let count = 0;
		for (const [owner, slot] of rows)
			for (const direction of [0, 1]) {
				const row = 2 * slot + direction;
				if (found.has(row) || !this.#add(row, values, count * value.size))
					continue;
				keys.writeBigUInt64LE(owner, count * key.size);
				keys.writeUInt32LE(direction, count * key.size + DIRECTION);
				count++;
			}
		if (count > 0) yield { keys, values, count };
	}

	override delete(key: K): boolean {
		const bytes = Buffer.alloc(this.#table.key.size);
		this.#table.key.write(bytes, 0, key);
		return this.deletePacked(bytes, 1) === 1;
	}

	/** Rows of both directions are deleted together: the slot has both. */
	override deletePacked(keys: Buffer, count: number): number {
		const { key, value } = this.#table;
		const all = count < MANY ? undefined : new Map(this.#owners.entries());
		const inTable = Buffer.alloc(value.size);
		const slots = new Set<number>();
		let deleted = 0;
		for (let i = 0; i < count; i++) {
			const at = i * key.size;
			const slot = slotOf(keys, at);
			const service = ownerOf(keys, at);
			const owner = all ? all.get(slot) : this.#owners.get(slot);
			// By a writer that was killed.
			if (owner === FREED_SLOT) slots.add(slot);
			if (owner !== service || !mayOwn(service)) continue;
			slots.add(slot);
			if (
				this.#add(rowOf(slot, keys, at), inTable, 0) &&
				!super.readPacked(keys.subarray(at, at + key.size), inTable)
			)
				deleted++;
		}
		for (const slot of slots) this.#free(slot);
		return deleted + super.deletePacked(keys, count);
	}

	override close(): void {
		if (this.isOpen) {
			this.#owners.close();
			this.#counters.close();
		}
		super.close();
	}

	/** Adds a slot's counters to those at `at`. @returns whether there are any */
	#add(row: number, values: Buffer, at: number): boolean {
		this.#row.writeUInt32LE(row);
		if (!this.#counters.readPacked(this.#row, this.#counted)) return false;
		let any = false;
		for (let i = 0; i < this.#counted.length; i += 8) {
			const counted = this.#counted.readBigUInt64LE(i);
			if (counted === 0n) continue;
			any = true;
			values.writeBigUInt64LE(values.readBigUInt64LE(at + i) + counted, at + i);
		}
		return any;
	}

	/** Clears the counters of a slot while no program counts there, so that the next owner begins at 0. */
	#free(slot: number): void {
		this.#owners.set(slot, FREED_SLOT);
		this.#counted.fill(0);
		for (const row of [2 * slot, 2 * slot + 1]) {
			this.#row.writeUInt32LE(row);
			this.#counters.writePacked(this.#row, this.#counted, 1);
		}
		this.#owners.set(slot, NONE);
	}
}
