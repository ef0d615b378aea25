import { byRank, type Rank } from "./rank.js";
import type { Batch, Table } from "./table.js";

/** All rows of a table, read once as bytes, and visited by rank. Each is made when it is its turn: not all are there at once. */
export class OrderedRows<K, V> {
	/** In no order. */
	readonly packed: Batch;
	readonly #table: Table<K, V>;
	readonly #order: Iterable<number>;

	constructor(table: Table<K, V>, batches: Iterable<Batch>, rank: Rank<K>) {
		const { key, value } = table;
		const allKeys: Buffer[] = [];
		const allValues: Buffer[] = [];
		const ranks: (number | string)[] = [];
		for (const { keys, values, count } of batches) {
			allKeys.push(Buffer.from(keys.subarray(0, count * key.size)));
			allValues.push(Buffer.from(values.subarray(0, count * value.size)));
			for (let i = 0; i < count; i++)
				ranks.push(rank(key.read(keys, i * key.size)));
		}
		this.packed = {
			keys: Buffer.concat(allKeys),
			values: Buffer.concat(allValues),
			count: ranks.length,
		};
		this.#table = table;
		this.#order = byRank(ranks);
	}

	forEach(visit: (key: K, value: V) => void): void {
		const { key, value, isUsed } = this.#table;
		const { keys, values } = this.packed;
		for (const i of this.#order)
			if (isUsed?.(values, i * value.size) ?? true)
				visit(key.read(keys, i * key.size), value.read(values, i * value.size));
	}
}
