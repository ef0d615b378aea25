import type { Change } from "./changes.js";
import { BpfError } from "./errors.js";
import type { KernelTable } from "./kernel-table.js";
import { byRank, type Rank } from "./rank.js";
import { StagedEntries } from "./staged-entries.js";
import type { Batch, OpenTable, SetMode, Table } from "./table.js";

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
	readonly #entries: StagedEntries;
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
		this.#entries = new StagedEntries(
			table.key.size,
			table.value.size,
			Math.min(expected, kernel.maxEntries),
		);
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
				if (this.#entries.find(keys, i * key.size) < 0)
					this.#entries.addKnown(keys, i * key.size, values, i * value.size);
		}
		this.#complete = true;
	}

	get(key: K): V | undefined {
		const number = this.#numberOf(key);
		if (number < 0 || !this.#entries.is(number)) return undefined;
		return this.#valueOf(number);
	}

	set(key: K, value: V, mode: SetMode = "any"): void {
		const number = this.#numberOf(key);
		const is = number >= 0 && this.#entries.is(number);
		if (mode === "new" && is)
			throw new BpfError(`write ${this.name}`, "EEXIST");
		if (mode === "exist" && !is)
			throw new BpfError(`write ${this.name}`, "ENOENT");
		this.#plan = undefined;
		const codec = this.#table.value;
		if (number < 0) {
			const added = this.#entries.addNew(this.#key, 0);
			codec.write(this.#entries.values, added * codec.size, value);
			return;
		}
		codec.write(this.#value, 0, value);
		this.#entries.set(number, this.#value);
	}

	delete(key: K): boolean {
		let number = this.#numberOf(key);
		if (number < 0) {
			if (!this.isCounter) return false;
			number = this.#entries.addKnown(this.#key, 0, this.#value, 0);
		}
		this.#plan = undefined;
		return this.#entries.delete(number);
	}

	*entries(): IterableIterator<[K, V]> {
		this.load();
		for (let number = 0; number < this.#entries.count; number++)
			if (this.#entries.is(number))
				yield [this.#keyOf(number), this.#valueOf(number)];
	}

	*keys(): IterableIterator<K> {
		this.load();
		for (let number = 0; number < this.#entries.count; number++)
			if (this.#entries.is(number)) yield this.#keyOf(number);
	}

	forEach(visit: (key: K, value: V) => void, rank?: Rank<K>): void {
		const numbers: number[] = [];
		this.load();
		for (let number = 0; number < this.#entries.count; number++)
			if (this.#entries.is(number)) numbers.push(number);
		const order = rank
			? byRank(numbers.map((number) => rank(this.#keyOf(number))))
			: numbers.keys();
		for (const i of order) {
			const number = numbers[i] as number;
			visit(this.#keyOf(number), this.#valueOf(number));
		}
	}

	/** All entries, packed, as the kernel will have them. */
	*batches(): IterableIterator<Batch> {
		this.load();
		const { count } = this.#entries;
		for (let from = 0; from < count; from += CHUNK) {
			const numbers: number[] = [];
			for (let i = from; i < Math.min(from + CHUNK, count); i++)
				if (this.#entries.is(i)) numbers.push(i);
			const { keys, after } = this.#entries.packed(numbers, false, true);
			yield { keys, values: after, count: numbers.length };
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
		this.#plan = undefined;
		for (let number = 0; number < this.#entries.count; number++)
			this.#entries.delete(number);
	}

	close(): void {
		this.kernel.close();
	}

	/** What will be other than it was, in the order of the changes. */
	differences(): Iterable<Difference<K, V>> {
		const { touched } = this.#entries;
		const changed = touched.filter((number) => this.#entries.kindOf(number));
		return this.#differencesOf(changed);
	}

	/** Entries that are added or changed, or those that are deleted, by rank. They are sorted when they are read. */
	*differencesBy(
		rank: Rank<K>,
		which: "set" | "deleted",
	): IterableIterator<Difference<K, V>> {
		const changed = this.#entries.touched.filter((number) => {
			const kind = this.#entries.kindOf(number);
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
		const entries = this.#entries;
		return {
			key: this.#keyOf(number),
			before: entries.was(number)
				? value.read(entries.inKernel(number), number * value.size)
				: undefined,
			after: entries.is(number) ? this.#valueOf(number) : undefined,
		};
	};

	#sorted(numbers: readonly number[], rank: Rank<K>): number[] {
		if (numbers.length < 2) return [...numbers];
		const ranks = numbers.map((number) => rank(this.#keyOf(number)));
		return Array.from(byRank(ranks), (i) => numbers[i] as number);
	}

	/** Whether anything was set or deleted, be it as it was. */
	get isTouched(): boolean {
		return this.#entries.touched.length > 0;
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
		for (const number of this.#entries.touched) {
			const kind = this.#entries.kindOf(number);
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
				added: this.#entries.packed(added, false, true),
				changed: this.#entries.packed(changed, true, true),
				deleted: this.#entries.packed(deleted, !this.isCounter, false),
			},
		};
	}

	/** Forgets everything that was read, set and deleted. */
	reset(): void {
		if (this.#entries.count === 0 && !this.#complete) return;
		this.#entries.clear();
		this.#plan = undefined;
		this.#complete = false;
		this.#kernelCount = 0;
	}

	/** The number of an entry that is known, or that the kernel has; -1: neither. Leaves the key in `#key`. */
	#numberOf(key: K): number {
		this.#table.key.write(this.#key, 0, key);
		const number = this.#entries.find(this.#key, 0);
		if (number >= 0 || this.#complete || this.isCounter) return number;
		if (!this.kernel.readPacked(this.#key, this.#value)) return -1;
		return this.#entries.addKnown(this.#key, 0, this.#value, 0);
	}

	#keyOf = (number: number) =>
		this.#table.key.read(this.#entries.keys, number * this.#table.key.size);

	#valueOf = (number: number) =>
		this.#table.value.read(
			this.#entries.values,
			number * this.#table.value.size,
		);
}
