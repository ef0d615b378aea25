import { hash } from "node:crypto";

/**
 * A digest of a machine's rows that is carried on by each change: the sum of the SHA-256 of each row, in eight parts of
 * 32 bits. It finds rows that were lost or written by others, not forgeries: who may write rows may write the digest.
 */
export class RowsDigest {
	readonly #lanes = new Uint32Array(8);
	#count = 0;

	/** @param sign -1 takes a row away that was added */
	add(key: string, value: string, sign: 1 | -1 = 1): void {
		const bytes = hash("sha256", `${key}\0${value}`, "buffer");
		for (let lane = 0; lane < 8; lane++)
			this.#lanes[lane] =
				(this.#lanes[lane] as number) + sign * bytes.readUInt32BE(4 * lane);
		this.#count += sign;
	}

	/** How many rows there are. */
	get count(): number {
		return this.#count;
	}

	bytes(): Buffer {
		const bytes = Buffer.alloc(32);
		for (let lane = 0; lane < 8; lane++)
			bytes.writeUInt32BE(this.#lanes[lane] as number, 4 * lane);
		return bytes;
	}

	hex(): string {
		return this.bytes().toString("hex");
	}

	static of(rows: Iterable<readonly [string, string]>): RowsDigest {
		const digest = new RowsDigest();
		for (const [key, value] of rows) digest.add(key, value);
		return digest;
	}
}
