import { formatAddress, writeAddress } from "./address.js";
import { possibleCpus } from "./cpus.js";

/**
 * One value as bytes in a map. Reading and writing come from the same object, so they cannot disagree.
 * Names say the byte order: `be` is network order, no suffix is the host's.
 */
export interface Codec<T> {
	/** Bytes that one value takes in a buffer given to the kernel. */
	readonly size: number;
	/** What the kernel calls the value's size, where it differs: a per-CPU value counts once there. */
	readonly kernelSize?: number;
	read(buffer: Buffer, at: number): T;
	write(buffer: Buffer, at: number, value: T): void;
}

/** The type that a codec reads and writes. */
export type ValueOf<C> = C extends Codec<infer T> ? T : never;

export const u8: Codec<number> = {
	size: 1,
	read: (buffer, at) => buffer[at] as number,
	write: (buffer, at, value) => {
		buffer[at] = value;
	},
};

/** Host order. Every machine that Sluice runs on is little-endian. */
export const u16: Codec<number> = {
	size: 2,
	read: (buffer, at) => buffer.readUInt16LE(at),
	write: (buffer, at, value) => void buffer.writeUInt16LE(value, at),
};

export const u16be: Codec<number> = {
	size: 2,
	read: (buffer, at) => buffer.readUInt16BE(at),
	write: (buffer, at, value) => void buffer.writeUInt16BE(value, at),
};

/** Host order. */
export const u32: Codec<number> = {
	size: 4,
	read: (buffer, at) => buffer.readUInt32LE(at),
	write: (buffer, at, value) => void buffer.writeUInt32LE(value, at),
};

/** Host order. */
export const u64: Codec<bigint> = {
	size: 8,
	read: (buffer, at) => buffer.readBigUInt64LE(at),
	write: (buffer, at, value) => void buffer.writeBigUInt64LE(value, at),
};

/** An IP address as text: 16 bytes in network order, IPv4 as `::ffff:a.b.c.d`. */
export const address: Codec<string> = {
	size: 16,
	read: formatAddress,
	write: writeAddress,
};

/** UTF-8 text in `size` bytes, zero padded. A text that does not fit is a RangeError, never cut. */
export function text(size: number): Codec<string> {
	return {
		size,
		read(buffer, at) {
			const end = buffer.indexOf(0, at);
			return buffer.toString(
				"utf8",
				at,
				end < 0 || end > at + size ? at + size : end,
			);
		},
		write(buffer, at, value) {
			if (Buffer.byteLength(value) > size)
				throw new RangeError(`"${value}" is longer than ${size} bytes`);
			buffer.fill(0, at, at + size);
			buffer.write(value, at, size, "utf8");
		},
	};
}

/** Exactly `size` bytes; a shorter value is zero padded, a longer one is a RangeError. */
export function bytes(size: number): Codec<Buffer> {
	return {
		size,
		read(buffer, at) {
			const value = Buffer.allocUnsafe(size);
			for (let i = 0; i < size; i++) value[i] = buffer[at + i] as number;
			return value;
		},
		write(buffer, at, value) {
			if (value.length > size)
				throw new RangeError(`${value.length} bytes do not fit in ${size}`);
			for (let i = 0; i < size; i++) buffer[at + i] = value[i] ?? 0;
		},
	};
}

// biome-ignore lint/suspicious/noExplicitAny: a codec reads and writes the same type, so no one type stands for all
type AnyCodec = Codec<any>;
type Field = readonly [offset: number, codec: Codec<unknown>];
type FieldValue<F> = F extends readonly [number, Codec<infer T>] ? T : never;

/** A struct codec, which knows its fields: a test compares them with the C struct. */
export interface StructCodec<T> extends Codec<T> {
	readonly fields: Readonly<Record<string, Field>>;
}

/** A C struct of `size` bytes: one line a field, name, offset, type. Bytes between fields are written as zero. */
export function struct<
	const F extends Record<string, readonly [number, AnyCodec]>,
>(size: number, fields: F): StructCodec<{ [N in keyof F]: FieldValue<F[N]> }> {
	type Value = { [N in keyof F]: FieldValue<F[N]> };
	const list = Object.entries(fields as unknown as Record<string, Field>).map(
		([name, [offset, codec]]) => ({ name, offset, codec }),
	);
	const gaps = bytesBetween(size, Object.values(fields));
	return {
		size,
		fields: fields as unknown as Record<string, Field>,
		read(buffer, at) {
			const value: Record<string, unknown> = {};
			for (const { name, offset, codec } of list)
				value[name] = codec.read(buffer, at + offset);
			return value as Value;
		},
		write(buffer, at, value) {
			for (const offset of gaps) buffer[at + offset] = 0;
			for (const { name, offset, codec } of list)
				codec.write(buffer, at + offset, value[name as keyof Value]);
		},
	};
}

/** Offsets of the bytes of a struct that no field covers. */
function bytesBetween(size: number, fields: Iterable<Field>): number[] {
	const free = new Set(Array(size).keys());
	for (const [offset, codec] of fields)
		for (let i = 0; i < codec.size; i++) free.delete(offset + i);
	return [...free];
}

/** The values of one key of a per-CPU map, one for each possible CPU; the kernel rounds each up to eight bytes. */
export function perCpu<T>(
	codec: Codec<T>,
): Codec<T[]> & { readonly element: Codec<T> } {
	const stride = Math.ceil(codec.size / 8) * 8;
	return {
		element: codec,
		get size() {
			return stride * possibleCpus();
		},
		kernelSize: codec.size,
		read: (buffer, at) =>
			Array.from({ length: possibleCpus() }, (_, cpu) =>
				codec.read(buffer, at + cpu * stride),
			),
		write(buffer, at, values) {
			for (const [cpu, value] of values.entries())
				codec.write(buffer, at + cpu * stride, value);
		},
	};
}
