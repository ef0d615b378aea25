import type { Batch } from "./batch.js";
import { ByteIndex, copyBytes } from "./byte-index.js";
import type { Change, Packed } from "./changes.js";
import { BpfError } from "./errors.js";
import type { KernelTable } from "./kernel-table.js";
import { byRank, type PackedRank, type Rank, rankOfPacked } from "./rank.js";
import type { OpenTable, SetMode, Table } from "./table.js";

// What is known of an entry.
/** The kernel has it. */
const WAS = 1;
/** It is in the table that is being planned. */
const IS = 2;
/** It was set or deleted here. */
const TOUCHED = 4;
/** Its value was overwritten: what the kernel has is in `#before`. */
const OVERWRITTEN = 8;

const NONE = Buffer.alloc(0);

/** Entries of a batch. */
const CHUNK = 16_384;

/** What comes of all changes: the numbers of entries. */
interface Plan {
	added: number[];
	changed: number[];
	deleted: number[];
}

/** One entry that will be other than it was. */
export interface Difference<K, V> {
	key: K;
	/** Undefined: added. */
	before: V | undefined;
	/** Undefined: deleted. */
	after: V | undefined;
}

/**
 * A table whose changes are staged until all of them are known to be right, so that the same functions plan a change of
 * a hundred thousand entries and carry out a change of one. Reads see what was written here, else what the kernel has.
 *
 * Entries are bytes, as the kernel takes them. Setting what is there already is no change.
 */
export class StagedTable<K, V> implements OpenTable<K, V> {
	readonly name: string;
	readonly id: number;
	readonly maxEntries: number;
	readonly fd: number;
	/** The table of the kernel, for what is not to be staged. */
	readonly kernel: KernelTable<K, V>;
	readonly #table: Table<K, V>;
	readonly #index: ByteIndex;
	/** By the entry's number. */
	#values!: Buffer;
	#states!: Uint8Array;
	/** What the kernel has of entries that were overwritten, by number; empty until one is. */
	#before: Buffer = NONE;
	/** Entries set or deleted, in the order of their first time. */
	readonly #touched: number[] = [];
	/** What comes of all changes, worked out when it is asked for, until the next change. */
	#plan: Plan | undefined;
	/** Whether all that the kernel has is here. */
	#complete = false;
	#kernelCount = 0;
	/** Counters are the data path's: they are deleted, unseen, and never written. */
	readonly isCounter: boolean;
	readonly #key: Buffer;
	readonly #value: Buffer;

	/** @param expected about how many entries will be read and set, so that there is room for them from the beginning */
	constructor(table: Table<K, V>, kernel: KernelTable<K, V>, expected = 0) {
		this.name = kernel.name;
		this.id = kernel.id;
		this.maxEntries = kernel.maxEntries;
		this.fd = kernel.fd;
		this.kernel = kernel;
		this.#table = table;
		this.isCounter = table.type.startsWith("percpu");
		this.#index = new ByteIndex(
			table.key.size,
			Math.min(expected, kernel.maxEntries),
		);
		this.#makeRoom();
		this.#key = Buffer.alloc(table.key.size);
		this.#value = Buffer.alloc(table.value.size);
	}

	/** Reads all that the kernel has, after which nothing is asked of it one by one. */
	load(): void {
		if (this.#complete) return;
		const { key, value } = this.#table;
		for (const { keys, values, count } of this.kernel.batches()) {
			this.#kernelCount += count;
			for (let i = 0; i < count; i++)
				if (this.#index.find(keys, i * key.size) < 0)
					this.#add(keys, i * key.size, values, i * value.size, WAS | IS);
		}
		this.#complete = true;
	}

	get(key: K): V | undefined {
		const number = this.#numberOf(key);
		if (number < 0 || !(this.#state(number) & IS)) return undefined;
		return this.#valueOf(number);
	}

	set(key: K, value: V, mode: SetMode = "any"): void {
		const number = this.#numberOf(key);
		const is = number >= 0 && (this.#state(number) & IS) !== 0;
		if (mode === "new" && is)
			throw new BpfError(`write ${this.name}`, "EEXIST");
		if (mode === "exist" && !is)
			throw new BpfError(`write ${this.name}`, "ENOENT");
		const codec = this.#table.value;
		if (number < 0) {
			const added = this.#addKey(this.#key, 0);
			codec.write(this.#values, added * codec.size, value);
			this.#states[added] = IS;
			this.#touch(added);
			return;
		}
		codec.write(this.#value, 0, value);
		this.#overwrite(number);
		this.#touch(number);
		this.#states[number] = this.#state(number) | IS;
	}

	delete(key: K): boolean {
		let number = this.#numberOf(key);
		if (number < 0) {
			if (!this.isCounter) return false;
			number = this.#add(this.#key, 0, this.#value, 0, WAS | IS);
		}
		const state = this.#state(number);
		if (!(state & IS)) return false;
		this.#states[number] = state & ~IS;
		this.#touch(number);
		return true;
	}

	*entries(): IterableIterator<[K, V]> {
		this.load();
		for (let number = 0; number < this.#index.count; number++)
			if (this.#state(number) & IS)
				yield [this.#keyOf(number), this.#valueOf(number)];
	}

	forEach(
		visit: (key: K, value: V) => void,
		rank?: Rank<K> | PackedRank,
	): void {
		const numbers: number[] = [];
		this.load();
		for (let number = 0; number < this.#index.count; number++)
			if (this.#state(number) & IS) numbers.push(number);
		const { key, value } = this.#table;
		const rankOf = rank && rankOfPacked(rank, key);
		const order = rankOf
			? byRank(
					numbers.map((number) =>
						rankOf(
							this.#index.keys,
							number * key.size,
							this.#values,
							number * value.size,
						),
					),
				)
			: numbers.keys();
		for (const i of order) {
			const number = numbers[i] as number;
			visit(this.#keyOf(number), this.#valueOf(number));
		}
	}

	/** All entries, packed, as the kernel will have them. */
	*batches(): IterableIterator<Batch> {
		this.load();
		const { key, value } = this.#table;
		const { count } = this.#index;
		for (let from = 0; from < count; from += CHUNK) {
			const numbers: number[] = [];
			for (let i = from; i < Math.min(from + CHUNK, count); i++)
				if (this.#state(i) & IS) numbers.push(i);
			yield {
				keys: packed(numbers, this.#index.keys, key.size),
				values: packed(numbers, this.#values, value.size),
				count: numbers.length,
			};
		}
	}

	setMany(entries: Iterable<readonly [K, V]>): void {
		for (const [key, value] of entries) this.set(key, value);
	}

	deleteMany(keys: Iterable<K>): number {
		let deleted = 0;
		for (const key of keys) if (this.delete(key)) deleted++;
		return deleted;
	}

	/** Deletes every entry. */
	clear(): void {
		this.load();
		for (let number = 0; number < this.#index.count; number++) {
			const state = this.#state(number);
			if (!(state & IS)) continue;
			this.#states[number] = state & ~IS;
			this.#touch(number);
		}
	}

	close(): void {
		this.kernel.close();
	}

	/** What will be other than it was, in the order of the changes. */
	differences(): Iterable<Difference<K, V>> {
		const changed = this.#touched.filter((number) => this.#kindOf(number));
		return this.#differencesOf(changed);
	}

	/** Entries that are added or changed, or those that are deleted, by rank. They are sorted when they are read. */
	*differencesBy(
		rank: Rank<K>,
		which: "set" | "deleted",
	): IterableIterator<Difference<K, V>> {
		const changed = this.#touched.filter((number) => {
			const kind = this.#kindOf(number);
			return kind && (kind === "deleted") === (which === "deleted");
		});
		yield* this.#differencesOf(this.#sorted(changed, rank));
	}

	*#differencesOf(
		numbers: Iterable<number>,
	): IterableIterator<Difference<K, V>> {
		for (const number of numbers) yield this.#differenceOf(number);
	}

	#differenceOf = (number: number): Difference<K, V> => {
		const { value } = this.#table;
		const state = this.#state(number);
		return {
			key: this.#keyOf(number),
			before:
				state & WAS
					? value.read(this.#inKernel(number), number * value.size)
					: undefined,
			after: state & IS ? this.#valueOf(number) : undefined,
		};
	};

	#sorted(numbers: readonly number[], rank: Rank<K>): number[] {
		if (numbers.length < 2) return [...numbers];
		const ranks = numbers.map((number) => rank(this.#keyOf(number)));
		return Array.from(byRank(ranks), (i) => numbers[i] as number);
	}

	/** How many entries will be added, changed and deleted. */
	get counts(): { added: number; changed: number; deleted: number } {
		const { added, changed, deleted } = this.#planned();
		return {
			added: added.length,
			changed: changed.length,
			deleted: deleted.length,
		};
	}

	#planned(): Plan {
		if (this.#plan) return this.#plan;
		const plan: Plan = { added: [], changed: [], deleted: [] };
		for (const number of this.#touched) {
			const kind = this.#kindOf(number);
			if (kind) plan[kind].push(number);
		}
		this.#plan = this.#inOrder(plan);
		return this.#plan;
	}

	#inOrder(plan: Plan): Plan {
		const { order } = this.#table;
		if (!order) return plan;
		const sorted = (numbers: number[]) => this.#sorted(numbers, order);
		return {
			added: sorted(plan.added),
			changed: sorted(plan.changed),
			deleted: sorted(plan.deleted).reverse(),
		};
	}

	/** Entries that the kernel has, where all of them were read. */
	get inKernel(): number | undefined {
		return this.#complete ? this.#kernelCount : undefined;
	}

	/** What is to be changed in the kernel; undefined: nothing. */
	change(): Change | undefined {
		const { added, changed, deleted } = this.#planned();
		if (added.length + changed.length + deleted.length === 0) return undefined;
		return {
			table: this.#table,
			kernel: this.kernel,
			changes: {
				added: this.#packed(added, NONE, true),
				changed: this.#packed(changed, this.#valuesInKernel(changed), true),
				deleted: this.#packed(
					deleted,
					this.isCounter ? NONE : this.#valuesInKernel(deleted),
					false,
				),
			},
		};
	}

	/** Forgets everything that was read, set and deleted. */
	reset(): void {
		if (this.#index.count === 0 && !this.#complete) return;
		this.#index.clear();
		if (this.#states.length !== this.#index.room) this.#makeRoom();
		this.#touched.length = 0;
		this.#plan = undefined;
		this.#complete = false;
		this.#kernelCount = 0;
	}

	/** The number of an entry that is known, or that the kernel has; -1: neither. Leaves the key in `#key`. */
	#numberOf(key: K): number {
		this.#table.key.write(this.#key, 0, key);
		const number = this.#index.find(this.#key, 0);
		if (number >= 0 || this.#complete || this.isCounter) return number;
		if (!this.kernel.readPacked(this.#key, this.#value)) return -1;
		return this.#add(this.#key, 0, this.#value, 0, WAS | IS);
	}

	#add(
		keys: Buffer,
		keyAt: number,
		values: Buffer,
		valueAt: number,
		state: number,
	): number {
		const number = this.#addKey(keys, keyAt);
		const { size } = this.#table.value;
		copyBytes(values, valueAt, this.#values, number * size, size);
		this.#states[number] = state;
		return number;
	}

	/** Makes room for the entry of a key that `#index` has just looked for in vain. */
	#addKey(keys: Buffer, at: number): number {
		const number = this.#index.add(keys, at);
		if (number >= this.#states.length) this.#grow();
		return number;
	}

	#grow(): void {
		const [states, values, before] = [this.#states, this.#values, this.#before];
		this.#makeRoom();
		this.#states.set(states);
		values.copy(this.#values);
		if (before.length > 0) {
			this.#before = this.#valueBuffer();
			before.copy(this.#before);
		}
	}

	#makeRoom(): void {
		this.#states = new Uint8Array(this.#index.room);
		this.#values = this.#valueBuffer();
		this.#before = NONE;
	}

	#valueBuffer = () =>
		Buffer.allocUnsafe(this.#index.room * this.#table.value.size);

	/** Replaces an entry's value by `#value`; the kernel's value goes to `#before`. */
	#overwrite(number: number): void {
		const { size } = this.#table.value;
		const at = number * size;
		if (same(this.#values, at, this.#value, 0, size)) return;
		const state = this.#state(number);
		if (state & WAS && !(state & OVERWRITTEN)) {
			if (this.#before.length === 0) this.#before = this.#valueBuffer();
			copyBytes(this.#values, at, this.#before, at, size);
			this.#states[number] = state | OVERWRITTEN;
		}
		copyBytes(this.#value, 0, this.#values, at, size);
	}

	#touch(number: number): void {
		this.#plan = undefined;
		const state = this.#state(number);
		if (state & TOUCHED) return;
		this.#states[number] = state | TOUCHED;
		this.#touched.push(number);
	}

	#kindOf(number: number): "added" | "changed" | "deleted" | undefined {
		const state = this.#state(number);
		if (!(state & WAS)) return state & IS ? "added" : undefined;
		if (!(state & IS)) return "deleted";
		if (!(state & OVERWRITTEN)) return undefined;
		const { size } = this.#table.value;
		const at = number * size;
		return same(this.#values, at, this.#before, at, size)
			? undefined
			: "changed";
	}

	/** Where the kernel's value of an entry is, at the entry's number. */
	#inKernel = (number: number) =>
		this.#state(number) & OVERWRITTEN ? this.#before : this.#values;

	#state = (number: number) => this.#states[number] as number;

	#keyOf = (number: number) =>
		this.#table.key.read(this.#index.keys, number * this.#table.key.size);

	#valueOf = (number: number) =>
		this.#table.value.read(this.#values, number * this.#table.value.size);

	#packed(
		numbers: readonly number[],
		before: Buffer,
		hasAfter: boolean,
	): Packed {
		if (numbers.length === 0) return NOTHING;
		return {
			count: numbers.length,
			keys: packed(numbers, this.#index.keys, this.#table.key.size),
			before,
			after: hasAfter
				? packed(numbers, this.#values, this.#table.value.size)
				: NONE,
		};
	}

	/** What the kernel has of entries that are changed or deleted. */
	#valuesInKernel(numbers: readonly number[]): Buffer {
		if (numbers.length === 0) return NONE;
		const { size } = this.#table.value;
		if (this.#before.length === 0) return packed(numbers, this.#values, size);
		const values = Buffer.allocUnsafe(numbers.length * size);
		for (const [i, number] of numbers.entries()) {
			const from = this.#inKernel(number);
			copyBytes(from, number * size, values, i * size, size);
		}
		return values;
	}
}

const NOTHING: Packed = { count: 0, keys: NONE, before: NONE, after: NONE };

/** The entries of these numbers one behind the other. */
function packed(
	numbers: readonly number[],
	from: Buffer,
	size: number,
): Buffer {
	const [first = 0] = numbers;
	// In a file of new entries, all are neighbours.
	if (numbers.every((number, i) => number === first + i))
		return from.subarray(first * size, (first + numbers.length) * size);
	const to = Buffer.allocUnsafe(numbers.length * size);
	for (const [i, number] of numbers.entries())
		copyBytes(from, number * size, to, i * size, size);
	return to;
}

function same(
	a: Buffer,
	aAt: number,
	b: Buffer,
	bAt: number,
	size: number,
): boolean {
	for (let i = 0; i < size; i++) if (a[aAt + i] !== b[bAt + i]) return false;
	return true;
}
