const MASK = (1n << 64n) - 1n;

const rotate = (x: bigint, bits: bigint) =>
	((x << bits) | (x >> (64n - bits))) & MASK;

/** SipHash-2-4 with 128 bits of output, by its definition; `siphash128` of `bpf/lib/siphash.h`. @param key of 16 bytes */
export function siphash128(key: Buffer, message: Buffer): Buffer {
	const k0 = key.readBigUInt64LE(0);
	const k1 = key.readBigUInt64LE(8);
	let v0 = k0 ^ 0x736f6d6570736575n;
	let v1 = k1 ^ 0x646f72616e646f6dn ^ 0xeen;
	let v2 = k0 ^ 0x6c7967656e657261n;
	let v3 = k1 ^ 0x7465646279746573n;
	const rounds = (count: number) => {
		for (let i = 0; i < count; i++) {
			v0 = (v0 + v1) & MASK;
			v1 = rotate(v1, 13n) ^ v0;
			v0 = rotate(v0, 32n);
			v2 = (v2 + v3) & MASK;
			v3 = rotate(v3, 16n) ^ v2;
			v0 = (v0 + v3) & MASK;
			v3 = rotate(v3, 21n) ^ v0;
			v2 = (v2 + v1) & MASK;
			v1 = rotate(v1, 17n) ^ v2;
			v2 = rotate(v2, 32n);
		}
	};
	// Padded with zeros to whole words, the last byte being the length.
	const padded = Buffer.alloc(8 * (Math.floor(message.length / 8) + 1));
	message.copy(padded);
	padded[padded.length - 1] = message.length & 0xff;
	for (let at = 0; at < padded.length; at += 8) {
		const word = padded.readBigUInt64LE(at);
		v3 ^= word;
		rounds(2);
		v0 ^= word;
	}
	const hash = Buffer.alloc(16);
	v2 ^= 0xeen;
	rounds(4);
	hash.writeBigUInt64LE(v0 ^ v1 ^ v2 ^ v3, 0);
	v1 ^= 0xddn;
	rounds(4);
	hash.writeBigUInt64LE(v0 ^ v1 ^ v2 ^ v3, 8);
	return hash;
}
