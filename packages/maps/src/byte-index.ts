/**
 * Keys of one size, numbered in the order in which they came and found by their bytes. They lie packed in one buffer,
 * as the kernel's batch operations want them, which takes a tenth of the memory of a Map of strings, and of its time.
 */
export class ByteIndex {
	readonly #size: number;
	#keys: Buffer;
	/** Open addressing: a key's number + 1, 0 for a free place. Always a power of two, at most half full. */
	#places: Int32Array;
	/** By place: the key's hash, so that keys of one place are told apart without a look at them. */
	#hashes: Int32Array;
	#count = 0;
	/** Where `find` has looked last, and for what. */
	#place = 0;
	#hash = 0;

	constructor(keySize: number) {
		this.#size = keySize;
		this.#keys = Buffer.allocUnsafe(keySize * FIRST_ROOM);
		this.#places = new Int32Array(2 * FIRST_ROOM);
		this.#hashes = new Int32Array(2 * FIRST_ROOM);
	}

	/** How many keys there are. */
	get count(): number {
		return this.#count;
	}

	/** How many fit before the buffers grow. */
	get room(): number {
		return this.#places.length / 2;
	}

	/** The keys, packed; good until the next `add`. */
	get keys(): Buffer {
		return this.#keys;
	}

	/** The number of the key at `bytes[at]`; -1: there is no such key. */
	find(bytes: Buffer, at: number): number {
		const sum = hash(bytes, at, this.#size);
		const places = this.#places;
		const mask = places.length - 1;
		let place = sum & mask;
		let number = places[place] as number;
		while (number !== 0) {
			if (this.#hashes[place] === sum && this.#isAt(number - 1, bytes, at))
				break;
			place = (place + 1) & mask;
			number = places[place] as number;
		}
		this.#place = place;
		this.#hash = sum;
		return number - 1;
	}

	/** Adds the key that `find` has just looked for in vain. Returns its number. */
	add(bytes: Buffer, at: number): number {
		const number = this.#count++;
		this.#places[this.#place] = number + 1;
		this.#hashes[this.#place] = this.#hash;
		const size = this.#size;
		copyBytes(bytes, at, this.#keys, number * size, size);
		if (this.#count === this.room) this.#grow();
		return number;
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
		const places = new Int32Array(2 * this.#places.length);
		const hashes = new Int32Array(places.length);
		const mask = places.length - 1;
		for (let old = 0; old < this.#places.length; old++) {
			const number = this.#places[old] as number;
			if (number === 0) continue;
			const sum = this.#hashes[old] as number;
			let place = sum & mask;
			while (places[place] !== 0) place = (place + 1) & mask;
			places[place] = number;
			hashes[place] = sum;
		}
		this.#places = places;
		this.#hashes = hashes;
	}
}

const FIRST_ROOM = 1024;

/** FNV-1a, its bits mixed once more, since the low ones choose the place. */
function hash(bytes: Buffer, at: number, size: number): number {
	let sum = 0x811c9dc5;
	for (let i = at; i < at + size; i++)
		sum = Math.imul(sum ^ (bytes[i] as number), 0x01000193);
	sum = Math.imul(sum ^ (sum >>> 15), 0x2c1b3c6d);
	return sum ^ (sum >>> 13);
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
