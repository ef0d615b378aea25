/**
 * Keys of one size, numbered in the order of insertion and found by their bytes. They lie packed in one buffer,
 * as the kernel's batch operations want them, which takes a tenth of the memory of a Map of strings, and of its time.
 */
export class ByteIndex {
	readonly #size: number;
	#keys: Buffer;
	/**
	 * Open addressing, two numbers a slot: a key's number + 1, 0 for a free slot; and its hash, which is compared before
	 * the key is. A power of two of slots, at most half of them taken.
	 */
	#slots: Int32Array;
	#count = 0;
	/** The slot and the hash of the last `find`. */
	#slot = 0;
	#hash = 0;

	/** @param expected about how many keys there will be, so that there is room for them from the beginning */
	constructor(keySize: number, expected = 0) {
		const room = Math.max(FIRST_ROOM, 2 ** Math.ceil(Math.log2(expected + 1)));
		this.#size = keySize;
		this.#keys = Buffer.allocUnsafe(keySize * room);
		this.#slots = new Int32Array(4 * room);
	}

	/** How many keys there are. */
	get count(): number {
		return this.#count;
	}

	/** How many fit before the buffers grow. */
	get room(): number {
		return this.#slots.length / 4;
	}

	/** The keys, packed; good until the next `add`. */
	get keys(): Buffer {
		return this.#keys;
	}

	/** The number of the key at `bytes[at]`; -1: there is no such key. */
	find(bytes: Buffer, at: number): number {
		const sum = hash(bytes, at, this.#size);
		const slots = this.#slots;
		const mask = slots.length - 1;
		let slot = (2 * sum) & mask;
		let number = slots[slot] as number;
		while (number !== 0) {
			if (slots[slot + 1] === sum && this.#isAt(number - 1, bytes, at)) break;
			slot = (slot + 2) & mask;
			number = slots[slot] as number;
		}
		this.#slot = slot;
		this.#hash = sum;
		return number - 1;
	}

	/** Adds the key that `find` has just looked for in vain. Returns its number. */
	add(bytes: Buffer, at: number): number {
		const number = this.#count++;
		this.#slots[this.#slot] = number + 1;
		this.#slots[this.#slot + 1] = this.#hash;
		const size = this.#size;
		copyBytes(bytes, at, this.#keys, number * size, size);
		if (this.#count === this.room) this.#grow();
		return number;
	}

	/** Forgets all keys; memory that many of them took is given back. */
	clear(): void {
		this.#count = 0;
		if (this.room <= 16 * FIRST_ROOM) {
			this.#slots.fill(0);
			return;
		}
		this.#keys = Buffer.allocUnsafe(this.#size * FIRST_ROOM);
		this.#slots = new Int32Array(4 * FIRST_ROOM);
	}

	#isAt(number: number, bytes: Buffer, at: number): boolean {
		const keys = this.#keys;
		const size = this.#size;
		const from = number * size;
		for (let i = size - 1; i >= 0; i--)
			if (keys[from + i] !== bytes[at + i]) return false;
		return true;
	}

	#grow(): void {
		const keys = Buffer.allocUnsafe(2 * this.#keys.length);
		this.#keys.copy(keys);
		this.#keys = keys;
		const slots = new Int32Array(2 * this.#slots.length);
		const mask = slots.length - 1;
		for (let old = 0; old < this.#slots.length; old += 2) {
			const number = this.#slots[old] as number;
			if (number === 0) continue;
			const sum = this.#slots[old + 1] as number;
			let slot = (2 * sum) & mask;
			while (slots[slot] !== 0) slot = (slot + 2) & mask;
			slots[slot] = number;
			slots[slot + 1] = sum;
		}
		this.#slots = slots;
	}
}

const FIRST_ROOM = 64;

/** Four bytes at a time, then the remaining ones. */
function hash(bytes: Buffer, at: number, size: number): number {
	const end = at + size;
	let sum = size;
	let i = at;
	for (; i + 4 <= end; i += 4)
		sum = mixed(
			sum ^
				((bytes[i] as number) |
					((bytes[i + 1] as number) << 8) |
					((bytes[i + 2] as number) << 16) |
					((bytes[i + 3] as number) << 24)),
		);
	for (; i < end; i++) sum = mixed(sum ^ (bytes[i] as number));
	return sum;
}

/** Mixes all bits into the low ones, which select the slot. */
function mixed(sum: number): number {
	const product = Math.imul(sum, 0x2c1b3c6d);
	return product ^ (product >>> 15);
}

/** Copies a few bytes: for those the call of `copy` would cost more. */
export function copyBytes(
	from: Buffer,
	fromAt: number,
	to: Buffer,
	toAt: number,
	size: number,
): void {
	for (let i = 0; i < size; i++) to[toAt + i] = from[fromAt + i] as number;
}

/** Whether a few bytes are the same. */
export function sameBytes(
	a: Buffer,
	aAt: number,
	b: Buffer,
	bAt: number,
	size: number,
): boolean {
	for (let i = 0; i < size; i++) if (a[aAt + i] !== b[bAt + i]) return false;
	return true;
}
