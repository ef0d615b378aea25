import { Address } from "./address.js";
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

function inRange(value: number, most: number): void {
	if (!(value >= 0 && value <= most))
		throw new RangeError(`${value} is not from 0 to ${most}`);
}

/** Host order. Every machine that Sluice runs on is little-endian. */
export const u16: Codec<number> = {
	size: 2,
	// Numbers are put together by hand here and below: Buffer's own methods check where they read, each time.
	read: (buffer, at) =>
		(buffer[at] as number) | ((buffer[at + 1] as number) << 8),
	write(buffer, at, value) {
		inRange(value, 0xffff);
		buffer[at] = value;
		buffer[at + 1] = value >>> 8;
	},
};

export const u16be: Codec<number> = {
	size: 2,
	read: (buffer, at) =>
		((buffer[at] as number) << 8) | (buffer[at + 1] as number),
	write(buffer, at, value) {
		inRange(value, 0xffff);
		buffer[at] = value >>> 8;
		buffer[at + 1] = value;
	},
};

/** Host order. */
export const u32: Codec<number> = {
	size: 4,
	read: (buffer, at) =>
		((buffer[at] as number) |
			((buffer[at + 1] as number) << 8) |
			((buffer[at + 2] as number) << 16) |
			((buffer[at + 3] as number) << 24)) >>>
		0,
	write(buffer, at, value) {
		inRange(value, 0xffff_ffff);
		buffer[at] = value;
		buffer[at + 1] = value >>> 8;
		buffer[at + 2] = value >>> 16;
		buffer[at + 3] = value >>> 24;
	},
};

/** Host order. */
export const u64: Codec<bigint> = {
	size: 8,
	read: (buffer, at) => buffer.readBigUInt64LE(at),
	write: (buffer, at, value) => void buffer.writeBigUInt64LE(value, at),
};

/** An IP address: 16 bytes in network order, IPv4 as `::ffff:a.b.c.d`. */
export const address: Codec<Address> = {
	size: 16,
	read: Address.read,
	write: (buffer, at, value) => value.write(buffer, at),
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
			for (let i = 0; i < size; i++)
				buffer[at + i] = i < value.length ? (value[i] as number) : 0;
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
	const list = Object.entries<Field>(fields);
	let uses = 0;
	const many = () => ++uses > FEW && Object.assign(codec, compile(codec));
	const codec: StructCodec<Value> = {
		size,
		fields: fields as unknown as Record<string, Field>,
		read(buffer, at) {
			const compiled = many();
			if (compiled) return compiled.read(buffer, at);
			return Object.fromEntries(
				list.map(([name, [offset, field]]) => [
					name,
					field.read(buffer, at + offset),
				]),
			) as Value;
		},
		write(buffer, at, value) {
			const compiled = many();
			if (compiled) return compiled.write(buffer, at, value);
			buffer.fill(0, at, at + size);
			for (const [name, [offset, field]] of list)
				field.write(buffer, at + offset, value[name]);
		},
	};
	return codec;
}

/** Uses of a struct before it is compiled: to compile one takes as long as some hundred uses, and most commands end before. */
const FEW = 50;

/**
 * Writes out what a struct's fields come to, as one would by hand: `read` is
 * `(bytes, at) => ({"port": f0.read(bytes, at + 0), "proto": f1.read(bytes, at + 2)})`.
 * A loop over the fields takes three times as long, since the same lines would have to serve every struct.
 */
function compile<T>({ size, fields }: StructCodec<T>): Codec<T> {
	const list = Object.entries(fields);
	const gaps = bytesBetween(size, Object.values(fields));
	const reads = list.map(
		([name, [offset]], i) =>
			`${JSON.stringify(name)}: f${i}.read(bytes, at + ${offset})`,
	);
	const writes = [
		...gaps.map((offset) => `bytes[at + ${offset}] = 0;`),
		...list.map(
			([name, [offset]], i) =>
				`f${i}.write(bytes, at + ${offset}, value[${JSON.stringify(name)}]);`,
		),
	];
	const make = new Function(
		...list.map((_, i) => `f${i}`),
		`return {
			read: (bytes, at) => ({${reads.join(", ")}}),
			write: (bytes, at, value) => {${writes.join(" ")}},
		};`,
	);
	return make(...list.map(([, [, codec]]) => codec));
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

/** The sum of a per-CPU counter; 0 for an entry that does not exist. */
export const sumOfCpus = (cpus: readonly bigint[] = []): bigint =>
	cpus.reduce((sum, count) => sum + count, 0n);
