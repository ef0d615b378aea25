import type { Batch } from "@sluice/maps";
import { ByteIndex } from "@sluice/maps/byte-index";
import { Sum, words } from "@sluice/maps/sum";
import type { OpenTable, Table } from "@sluice/maps/table";

/** Rows of a batch. */
const CHUNK = 4096;

/**
 * The rows that a table should have by another one, in the order in which they are added. They are bytes, for there may be
 * two hundred thousand. Keys and values are whole words.
 */
export class ExpectedRows<K, V> {
	readonly #table: Table<K, V>;
	readonly #expected: Batch[] = [];

	constructor(table: Table<K, V>) {
		this.#table = table;
	}

	/** Adds a row that there should be, behind those before it. */
	add(key: K, value: V): void {
		const { key: keys, value: values } = this.#table;
		let batch = this.#expected.at(-1);
		if (!batch || batch.count === CHUNK) {
			batch = {
				keys: Buffer.allocUnsafeSlow(CHUNK * keys.size),
				values: Buffer.allocUnsafeSlow(CHUNK * values.size),
				count: 0,
			};
			this.#expected.push(batch);
		}
		keys.write(batch.keys, batch.count * keys.size, key);
		values.write(batch.values, batch.count * values.size, value);
		batch.count++;
	}

	/** Whether the table has these rows and no others. A sum of all rows shows it, in a fraction of the time of lookups. */
	areThoseOf(table: OpenTable<K, V>): boolean {
		return this.#sumOf(this.#expected).equals(this.#sumOf(table.batches()));
	}

	/** Visits all rows of the table in the order of these; those with other keys are last, in no order. */
	forEach(table: OpenTable<K, V>, visit: (key: K, value: V) => void): void {
		if (!this.areThoseOf(table)) {
			table.forEach(visit, this.#rank());
			return;
		}
		const { key, value } = this.#table;
		for (const { keys, values, count } of this.#expected)
			for (let i = 0; i < count; i++)
				visit(key.read(keys, i * key.size), value.read(values, i * value.size));
	}

	#sumOf(batches: Iterable<Batch>): Buffer {
		const { key, value } = this.#table;
		const sum = new Sum();
		for (const { keys, values, count } of batches)
			sum.add(
				{
					count,
					keys: words(keys),
					keySize: key.size / 4,
					values: words(values),
					valueSize: value.size / 4,
				},
				{ seed: 0 },
			);
		return sum.bytes();
	}

	/** The numbers of the keys in the order in which they were added. */
	#rank(): (key: K) => number {
		const { key: codec } = this.#table;
		const order = new ByteIndex(codec.size);
		for (const { keys, count } of this.#expected)
			for (let i = 0; i < count; i++)
				if (order.find(keys, i * codec.size) < 0)
					order.add(keys, i * codec.size);
		const bytes = Buffer.alloc(codec.size);
		return (key) => {
			codec.write(bytes, 0, key);
			const number = order.find(bytes, 0);
			return number < 0 ? order.count : number;
		};
	}
}
