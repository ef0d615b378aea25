/**
 * Keys of one size, numbered in the order in which they came and found by their bytes. They lie packed in one buffer,
 * as the kernel's batch operations want them, which takes a tenth of the memory of a Map of strings, and of its time.
 */
export class ByteIndex {
	readonly #size: number;
	#keys: Buffer;
	/** Open addressing: a key's number + 1, 0 for a free place. Always a power of two, at most half full. */
	#places: Int32Array;
	#count = 0;

	constructor(keySize: number) {
		this.#size = keySize;
		this.#keys = Buffer.allocUnsafe(keySize * FIRST_ROOM);
		this.#places = new Int32Array(2 * FIRST_ROOM);
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
		return (this.#places[this.#placeOf(bytes, at)] as number) - 1;
	}

	/** Adds a key that `find` has not found. Returns its number. */
	add(bytes: Buffer, at: number): number {
		if (this.#count === this.room) this.#grow();
		const number = this.#count++;
		this.#places[this.#placeOf(bytes, at)] = number + 1;
		const keys = this.#keys;
		const size = this.#size;
		const to = number * size;
		for (let i = 0; i < size; i++) keys[to + i] = bytes[at + i] as number;
		return number;
	}

	/** Where the key is, or would be. */
	#placeOf(bytes: Buffer, at: number): number {
		const places = this.#places;
		const mask = places.length - 1;
		let place = hash(bytes, at, this.#size) & mask;
		for (;;) {
			const number = places[place] as number;
			if (number === 0 || this.#isAt(number - 1, bytes, at)) return place;
			place = (place + 1) & mask;
		}
	}

	#isAt(number: number, bytes: Buffer, at: number): boolean {
		const keys = this.#keys;
		const size = this.#size;
		const from = number * size;
		for (let i = 0; i < size; i++)
			if (keys[from + i] !== bytes[at + i]) return false;
		return true;
	}

	#grow(): void {
		const old = this.#keys;
		this.#keys = Buffer.allocUnsafe(2 * old.length);
		old.copy(this.#keys);
		this.#places = new Int32Array(2 * this.#places.length);
		for (let number = 0; number < this.#count; number++) {
			const place = this.#placeOf(this.#keys, number * this.#size);
			this.#places[place] = number + 1;
		}
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
