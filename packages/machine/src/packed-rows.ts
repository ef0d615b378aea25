import { ByteIndex, type Codec, type StructCodec } from "@sluice/maps";

/** Rows for which there is room at first. */
const FIRST_ROOM = 64;

/** A value that an earlier row has, too. */
interface Repeat<F> {
	/** Number of the row. */
	row: number;
	field: F;
	/** Number of the first row with it. */
	before: number;
}

/**
 * Rows as bytes, in their order, from 0: a hundred thousand objects take ten times the memory, and as garbage a fourth of a
 * program's time.
 *
 * @template H fields that every row has
 * @template R fields that few rows have
 */
export class PackedRows<H, R extends object> implements Iterable<H & R> {
	readonly #codec: StructCodec<H>;
	readonly #restOf: (row: H & R) => R | undefined;
	/** By the number of the row. */
	readonly #rest = new Map<number, R>();
	#bytes: Buffer;
	#length = 0;

	/**
	 * @param codec of the fields that every row has; its size is a multiple of four
	 * @param restOf returns the others; undefined: the row has none
	 */
	constructor(
		codec: StructCodec<H>,
		restOf: (row: H & R) => R | undefined,
		rows: Iterable<H & R> = [],
	) {
		this.#codec = codec;
		this.#restOf = restOf;
		this.#bytes = Buffer.allocUnsafeSlow(FIRST_ROOM * codec.size);
		for (const row of rows) this.push(row);
	}

	get length(): number {
		return this.#length;
	}

	push(row: H & R): void {
		const at = this.#length * this.#codec.size;
		if (at === this.#bytes.length) {
			const bytes = Buffer.allocUnsafeSlow(2 * at);
			this.#bytes.copy(bytes);
			this.#bytes = bytes;
		}
		this.#codec.write(this.#bytes, at, row);
		const rest = this.#restOf(row);
		if (rest) this.#rest.set(this.#length, rest);
		this.#length++;
	}

	/** The row of this number, which is less than `length`. */
	at(number: number): H & R {
		const row = this.#codec.read(this.#bytes, number * this.#codec.size);
		const rest = this.#rest.get(number);
		return (rest ? { ...row, ...rest } : row) as H & R;
	}

	*[Symbol.iterator](): IterableIterator<H & R> {
		for (let i = 0; i < this.#length; i++) yield this.at(i);
	}

	/** The rows that have more fields than every row has. */
	*withRest(): IterableIterator<H & R> {
		for (const i of this.#rest.keys()) yield this.at(i);
	}

	/** One field of each row. */
	*column<F extends keyof H & string>(field: F): IterableIterator<H[F]> {
		const [offset, codec] = this.#fieldOf(field);
		for (let i = 0; i < this.#length; i++)
			yield codec.read(this.#bytes, offset + i * this.#codec.size) as H[F];
	}

	/** @param fields of one type, in which each value is to be there once */
	*repeats<F extends keyof H & string>(
		...fields: [F, ...F[]]
	): IterableIterator<Repeat<F>> {
		const columns = fields.map((field) => this.#fieldOf(field));
		const most = columns.length * this.#length;
		const values = new ByteIndex((columns[0] as Field)[1].size, most);
		const rows = new Uint32Array(most);
		for (let row = 0; row < this.#length; row++)
			for (let i = 0; i < columns.length; i++) {
				const at = row * this.#codec.size + (columns[i] as Field)[0];
				const known = values.find(this.#bytes, at);
				if (known < 0) rows[values.add(this.#bytes, at)] = row;
				else
					yield {
						row,
						field: fields[i] as F,
						before: rows[known] as number,
					};
			}
	}

	#fieldOf = (name: string) => this.#codec.fields[name] as Field;

	/** The fields that every row has. */
	get packed(): Buffer {
		return this.#bytes.subarray(0, this.#length * this.#codec.size);
	}
}

type Field = readonly [offset: number, codec: Codec<unknown>];
