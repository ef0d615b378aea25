/** A member of a value that holds no other members. */
export interface Field {
	/** Its place in the C type: `remote`, `proxy.port`, `key[3].id`. */
	path: string;
	/** In bytes from the beginning of the value. */
	offset: number;
	/** In bytes. */
	size: number;
}

/** `BTF_KIND_*` of linux/btf.h, those that a table's key or value may have. */
const kinds = {
	int: 1,
	array: 3,
	struct: 4,
	union: 5,
	enum: 6,
	typedef: 8,
	volatile: 9,
	const: 10,
	restrict: 11,
	typeTag: 18,
	enum64: 19,
} as const;

/** Bytes behind the 12 of `struct btf_type`, by kind; with `vlen` entries where the second number is set. */
const tails: Record<number, readonly [fixed: number, each: number]> = {
	1: [4, 0],
	3: [12, 0],
	4: [0, 12],
	5: [0, 12],
	6: [0, 8],
	13: [0, 8],
	14: [4, 0],
	15: [0, 12],
	17: [4, 0],
	19: [0, 12],
};

/** The types of an object as the kernel has them: `struct btf_header`, types, strings. All numbers are little-endian. */
export class Btf {
	readonly #bytes: Buffer;
	/** Offset of each type; type 0 is void. */
	readonly #types: number[] = [0];
	readonly #strings: number;

	constructor(bytes: Buffer) {
		this.#bytes = bytes;
		const header = bytes.readUInt32LE(4);
		const first = header + bytes.readUInt32LE(8);
		const end = first + bytes.readUInt32LE(12);
		this.#strings = header + bytes.readUInt32LE(16);
		for (let at = first; at < end; ) {
			this.#types.push(at);
			const info = bytes.readUInt32LE(at + 4);
			const [fixed, each] = tails[(info >> 24) & 0x1f] ?? [0, 0];
			at += 12 + fixed + each * (info & 0xffff);
		}
	}

	/** The fields of a type, in their order. A union is one field, since its members share their bytes. */
	fields(type: number, path = "", offset = 0): Field[] {
		const { kind, at, vlen } = this.#type(type);
		if (kind === kinds.struct)
			return Array.from({ length: vlen }, (_, i) => {
				const member = at + 12 + 12 * i;
				const name = this.#string(this.#bytes.readUInt32LE(member));
				// In a struct with bit fields the upper byte is their size.
				const bits = this.#bytes.readUInt32LE(member + 8) & 0xffffff;
				return this.fields(
					this.#bytes.readUInt32LE(member + 4),
					path ? `${path}.${name}` : name,
					offset + bits / 8,
				);
			}).flat();
		if (kind === kinds.array) {
			const element = this.#bytes.readUInt32LE(at + 12);
			const count = this.#bytes.readUInt32LE(at + 20);
			const size = this.size(element);
			if (this.#type(element).kind === kinds.struct)
				return Array.from({ length: count }, (_, i) =>
					this.fields(element, `${path}[${i}]`, offset + i * size),
				).flat();
		}
		return [{ path, offset, size: this.size(type) }];
	}

	/** In bytes. */
	size(type: number): number {
		const { kind, at } = this.#type(type);
		if (kind !== kinds.array) return this.#bytes.readUInt32LE(at + 8);
		return (
			this.size(this.#bytes.readUInt32LE(at + 12)) *
			this.#bytes.readUInt32LE(at + 20)
		);
	}

	/** A type behind its typedefs and qualifiers. */
	#type(type: number): { kind: number; at: number; vlen: number } {
		for (let id = type; ; ) {
			const at = this.#types[id];
			if (!at) throw new RangeError(`no BTF type ${type}`);
			const info = this.#bytes.readUInt32LE(at + 4);
			const kind = (info >> 24) & 0x1f;
			const isName =
				kind === kinds.typedef ||
				kind === kinds.volatile ||
				kind === kinds.const ||
				kind === kinds.restrict ||
				kind === kinds.typeTag;
			if (!isName) return { kind, at, vlen: info & 0xffff };
			id = this.#bytes.readUInt32LE(at + 8);
		}
	}

	#string(offset: number): string {
		const at = this.#strings + offset;
		return this.#bytes.toString("utf8", at, this.#bytes.indexOf(0, at));
	}
}
