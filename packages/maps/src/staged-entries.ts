import { ByteIndex, copyBytes, sameBytes } from "./byte-index.js";
import type { Packed } from "./changes.js";

// What is known of an entry.
/** The kernel has it. */
const WAS = 1;
/** It is in the table that is being planned. */
const IS = 2;
/** It was set or deleted. */
const TOUCHED = 4;
/** Its value was overwritten: what the kernel has is in `#before`. */
const OVERWRITTEN = 8;

const NONE = Buffer.alloc(0);

/**
 * Entries of a table as bytes, by number: what the kernel has, and what it is to have. Numbers begin at 0 and have no
 * gaps; an entry keeps its number when it is deleted.
 */
export class StagedEntries {
	readonly #index: ByteIndex;
	readonly #keySize: number;
	readonly #valueSize: number;
	#values!: Buffer;
	#states!: Uint8Array;
	/** What the kernel has of entries that were overwritten, by number; empty until one is. */
	#before: Buffer = NONE;
	#touched: number[] = [];

	/** @param expected about how many there will be, so that there is room for them from the beginning */
	constructor(keySize: number, valueSize: number, expected: number) {
		this.#keySize = keySize;
		this.#valueSize = valueSize;
		this.#index = new ByteIndex(keySize, expected);
		this.#makeRoom();
	}

	/** Deleted ones included. */
	get count(): number {
		return this.#index.count;
	}

	/** Entries set or deleted, in the order of their first time. */
	get touched(): readonly number[] {
		return this.#touched;
	}

	/** The key of an entry is at `keySize` times its number. */
	get keys(): Buffer {
		return this.#index.keys;
	}

	/** The value that an entry is to have is at `valueSize` times its number. */
	get values(): Buffer {
		return this.#values;
	}

	/** The number of the entry with this key; -1: there is none. */
	find(keys: Buffer, at: number): number {
		return this.#index.find(keys, at);
	}

	/** Whether the entry is in the table that is being planned. */
	is = (number: number) => (this.#state(number) & IS) !== 0;

	/** Whether the kernel has the entry. */
	was = (number: number) => (this.#state(number) & WAS) !== 0;

	/** Adds an entry that the kernel has. `find` has just looked for its key in vain. */
	addKnown(
		keys: Buffer,
		keyAt: number,
		values: Buffer,
		valueAt: number,
	): number {
		const number = this.#addKey(keys, keyAt);
		const size = this.#valueSize;
		copyBytes(values, valueAt, this.#values, number * size, size);
		this.#states[number] = WAS | IS;
		return number;
	}

	/** Adds an entry that the kernel does not have; its value is to be written to `values`. `find` has just looked for its key in vain. */
	addNew(keys: Buffer, at: number): number {
		const number = this.#addKey(keys, at);
		this.#states[number] = IS;
		this.#touch(number);
		return number;
	}

	#addKey(keys: Buffer, at: number): number {
		const number = this.#index.add(keys, at);
		if (number >= this.#states.length) this.#grow();
		return number;
	}

	/** Gives an entry this value, a deleted one too. */
	set(number: number, value: Buffer): void {
		this.#overwrite(number, value);
		this.#touch(number);
		this.#states[number] = this.#state(number) | IS;
	}

	/** @returns whether the entry was there */
	delete(number: number): boolean {
		const state = this.#state(number);
		if (!(state & IS)) return false;
		this.#states[number] = state & ~IS;
		this.#touch(number);
		return true;
	}

	/** What is to be done in the kernel; undefined: nothing. */
	kindOf(number: number): "added" | "changed" | "deleted" | undefined {
		const state = this.#state(number);
		if (!(state & WAS)) return state & IS ? "added" : undefined;
		if (!(state & IS)) return "deleted";
		if (!(state & OVERWRITTEN)) return undefined;
		const size = this.#valueSize;
		const at = number * size;
		return sameBytes(this.#values, at, this.#before, at, size)
			? undefined
			: "changed";
	}

	/** Where the kernel's value of an entry is, at `valueSize` times its number. */
	inKernel = (number: number) =>
		this.#state(number) & OVERWRITTEN ? this.#before : this.#values;

	/** The entries of these numbers one behind the other. */
	packed(
		numbers: readonly number[],
		hasBefore: boolean,
		hasAfter: boolean,
	): Packed {
		return {
			count: numbers.length,
			keys: packed(numbers, this.keys, this.#keySize),
			before: hasBefore ? this.#packedInKernel(numbers) : NONE,
			after: hasAfter ? packed(numbers, this.#values, this.#valueSize) : NONE,
		};
	}

	#packedInKernel(numbers: readonly number[]): Buffer {
		const size = this.#valueSize;
		if (this.#before.length === 0) return packed(numbers, this.#values, size);
		const values = Buffer.allocUnsafe(numbers.length * size);
		for (const [i, number] of numbers.entries())
			copyBytes(this.inKernel(number), number * size, values, i * size, size);
		return values;
	}

	/** Forgets all of them. */
	clear(): void {
		this.#index.clear();
		if (this.#states.length !== this.#index.room) this.#makeRoom();
		// A new one: V8 calls its runtime to set a length.
		this.#touched = [];
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

	#valueBuffer = () => Buffer.allocUnsafe(this.#index.room * this.#valueSize);

	/** Replaces an entry's value; the kernel's value goes to `#before`. */
	#overwrite(number: number, value: Buffer): void {
		const size = this.#valueSize;
		const at = number * size;
		if (sameBytes(this.#values, at, value, 0, size)) return;
		const state = this.#state(number);
		if (state & WAS && !(state & OVERWRITTEN)) {
			if (this.#before.length === 0) this.#before = this.#valueBuffer();
			copyBytes(this.#values, at, this.#before, at, size);
			this.#states[number] = state | OVERWRITTEN;
		}
		copyBytes(value, 0, this.#values, at, size);
	}

	#touch(number: number): void {
		const state = this.#state(number);
		if (state & TOUCHED) return;
		this.#states[number] = state | TOUCHED;
		this.#touched.push(number);
	}

	#state = (number: number) => this.#states[number] as number;
}

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
