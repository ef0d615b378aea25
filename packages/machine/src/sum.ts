/**
 * A sum of a hash of each row, so that their order does not matter: 128 bits, four hashes of 32, each with its own
 * multiplier. It finds changes, not forgeries.
 */
export class Sum {
	readonly #lanes = new Int32Array(MULTIPLIERS.length);

	/** @param before a sum to go on with */
	constructor(before?: Buffer) {
		if (before) this.#lanes.set(words(before));
	}

	/** @param sign -1 takes a row away that was added */
	add(row: Int32Array, length: number, seed: number, sign = 1): void {
		for (let lane = 0; lane < MULTIPLIERS.length; lane++) {
			const multiplier = MULTIPLIERS[lane] as number;
			let hash = seed ^ lane;
			for (let i = 0; i < length; i++) {
				hash = Math.imul(hash ^ (row[i] as number), multiplier);
				hash ^= hash >>> 15;
			}
			this.#lanes[lane] = ((this.#lanes[lane] as number) + sign * hash) | 0;
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

/** Odd numbers without a pattern. */
const MULTIPLIERS = [0x9e3779b1, 0x85ebca77, 0xc2b2ae3d, 0x27d4eb2f];

/** The words of a buffer, in the order of this machine; of a small buffer, which may begin anywhere, a copy. */
export const words = (bytes: Buffer) => {
	const { buffer, byteOffset, length } =
		bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes);
	return new Int32Array(buffer, byteOffset, length >> 2);
};
