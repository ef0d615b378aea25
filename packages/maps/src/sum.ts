/** Rows packed one behind the other, as words. */
export interface Rows {
	count: number;
	keys: Int32Array;
	/** Words of a key. */
	keySize: number;
	values: Int32Array;
	/** Words of a value. */
	valueSize: number;
}

/** How rows are added to a sum. */
export interface AddOptions {
	seed: number;
	/** -1 subtracts them. */
	sign?: 1 | -1;
	/** Of the first words of a value; those behind do not count. Undefined: all count. */
	masks?: Int32Array | undefined;
	/** By the first word of the key; undefined: all rows count. */
	isOwn?: ((key: number) => boolean) | undefined;
}

/**
 * A sum of a hash of each row, so that their order does not matter: of a hash of 64 bits, two of 32 with a multiplier each,
 * four words are made. It finds changes, not forgeries.
 */
export class Sum {
	readonly #lanes = new Int32Array(4);

	/** @param before a sum to go on with */
	constructor(before?: Buffer) {
		if (before) this.#lanes.set(words(before));
	}

	// One loop, which is compiled while it runs, over many thousand rows.
	add(
		{ count, keys, keySize, values, valueSize }: Rows,
		{ seed, sign = 1, masks, isOwn }: AddOptions,
	): void {
		const lanes = this.#lanes;
		const size = masks?.length ?? valueSize;
		const ofValue = masks ?? whole(valueSize);
		for (let row = 0; row < count; row++) {
			const key = row * keySize;
			const value = row * valueSize;
			if (isOwn && !isOwn(keys[key] as number)) continue;
			let a = seed;
			let b = seed ^ 1;
			// Odd numbers without a pattern.
			for (let i = 0; i < keySize; i++) {
				const word = keys[key + i] as number;
				a = Math.imul(a ^ word, 0x9e3779b1);
				b = Math.imul(b ^ word, 0x85ebca77);
				a ^= a >>> 15;
				b ^= b >>> 15;
			}
			for (let i = 0; i < size; i++) {
				const word = (values[value + i] as number) & (ofValue[i] as number);
				a = Math.imul(a ^ word, 0x9e3779b1);
				b = Math.imul(b ^ word, 0x85ebca77);
				a ^= a >>> 15;
				b ^= b >>> 15;
			}
			let c = Math.imul(a ^ (b << 16) ^ (b >>> 16), 0xc2b2ae3d);
			let d = Math.imul(b + (a ^ (a >>> 13)), 0x27d4eb2f);
			c ^= c >>> 15;
			d ^= d >>> 15;
			lanes[0] = (lanes[0] as number) + sign * a;
			lanes[1] = (lanes[1] as number) + sign * b;
			lanes[2] = (lanes[2] as number) + sign * c;
			lanes[3] = (lanes[3] as number) + sign * d;
		}
	}

	bytes(): Buffer {
		return Buffer.from(
			this.#lanes.buffer,
			this.#lanes.byteOffset,
			this.#lanes.byteLength,
		);
	}
}

/** The words of a buffer, in the order of this machine; of a small buffer, which may begin anywhere, a copy. */
export const words = (bytes: Buffer) => {
	const { buffer, byteOffset, length } =
		bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes);
	return new Int32Array(buffer, byteOffset, length >> 2);
};

/** Masks of so many words that all count. */
export const whole = (size: number): Int32Array =>
	new Int32Array(size).fill(-1);
