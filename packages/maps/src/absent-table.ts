import { BpfError } from "./errors.js";
import { KernelTable } from "./kernel-table.js";
import type { Batch, Table } from "./table.js";

/** An optional table that the attached programs lack. It is empty, and refuses to be written. */
export class AbsentTable<K, V> extends KernelTable<K, V> {
	constructor(table: Table<K, V>) {
		const { key, value } = table;
		super(table, -1, {
			...{ type: 0, id: 0, keySize: key.size, valueSize: value.size },
			...{ maxEntries: 1, flags: 0, name: table.name },
			...{ btfId: 0, btfKeyType: 0, btfValueType: 0 },
		});
	}

	override readPacked(): boolean {
		return false;
	}

	override *batches(): IterableIterator<Batch> {}

	override set(): void {
		this.#refuse();
	}

	override writePacked(_keys: Buffer, _values: Buffer, count: number): void {
		if (count > 0) this.#refuse();
	}

	override delete(): boolean {
		return false;
	}

	override deletePacked(): number {
		return 0;
	}

	override close(): void {}

	/** @throws BpfError ENOENT */
	#refuse(): never {
		throw new BpfError(`write ${this.name}`, "ENOENT", {
			because: "the attached programs lack this table",
			hint: "replace them with scripts/reattach_tc.sh",
			environment: true,
		});
	}
}
