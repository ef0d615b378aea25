import { ByteIndex } from "@sluice/maps";
import { packedBindingKey } from "@sluice/maps/tables";
import type { Binding } from "./binding.js";

/**
 * Bindings in the order in which they were added, one for each key. Their keys are packed: of a hundred thousand
 * bindings, an object for each would take 20 MB.
 */
export class BindingSet implements Iterable<Binding> {
	readonly #keys: ByteIndex;
	readonly #labels: string[] = [];
	readonly #key = Buffer.alloc(packedBindingKey.size);

	/** @param expected about how many there will be, so that there is room for them from the beginning */
	constructor(expected = 0) {
		this.#keys = new ByteIndex(packedBindingKey.size, expected);
	}

	get size(): number {
		return this.#labels.length;
	}

	labelOf(key: string): string | undefined {
		return this.#labels[this.#find(key)];
	}

	/** Adds a binding. Returns false where its key has a label already. */
	add({ label, key }: Binding): boolean {
		if (this.#find(key) >= 0) return false;
		this.#keys.add(this.#key, 0);
		this.#labels.push(label);
		return true;
	}

	*[Symbol.iterator](): IterableIterator<Binding> {
		for (let i = 0; i < this.size; i++) yield this.#at(i);
	}

	#find(key: string): number {
		packedBindingKey.write(this.#key, 0, key);
		return this.#keys.find(this.#key, 0);
	}

	#at(i: number): Binding {
		const { keys } = this.#keys;
		return {
			label: this.#labels[i] as string,
			key: packedBindingKey.read(keys, i * packedBindingKey.size),
		};
	}
}
