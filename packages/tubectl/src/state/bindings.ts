import { Failure, missing } from "@sluice/cli-kit";
import type { OpenTable } from "@sluice/maps";
import type { BindingValue, DestinationKey } from "@sluice/maps/tables";
import {
	type Binding,
	bindingText,
	destinationOf,
	keyBitsOf,
} from "../binding/binding.js";
import type { Tables } from "./tables.js";
import type { Writer } from "./writer.js";
import { keepYoungGenerationSmall } from "./young-generation.js";

/** Leads traffic to a label; what the same protocol, prefix and port led to before is replaced. */
export function bind(writer: Writer, binding: Binding): void {
	const { tables, destinations } = writer;
	const { key } = binding;
	const destination = destinationOf(binding);
	const old = exact(tables.packed, key);
	if (old && destinations.get(destination)?.id === old.id) return;
	writer.change(() => {
		const id = destinations.acquire(destination);
		writer.trie.setMany([[key, { id, prefixlen: keyBitsOf(key) }]]);
		if (old) destinations.releaseId(old.id);
	});
}

/** Removes a binding. @throws Failure missing: no such binding, or it leads elsewhere. */
export function unbind(writer: Writer, binding: Binding): void {
	const { tables, destinations } = writer;
	const { key } = binding;
	const destination = destinationOf(binding);
	const old = exact(tables.packed, key);
	if (!old) throw missing(`no binding ${bindingText(binding)}`);
	if (destinations.get(destination)?.id !== old.id)
		throw missing(
			`no binding ${bindingText(binding)}: it leads to "${labelOf(tables, old.id)}"`,
		);
	writer.change(() => {
		writer.trie.deleteMany([key]);
		destinations.release(destination);
	});
}

/** The entry of just this key: a lookup in the trie gives the longest match. */
export function exact(
	bindings: OpenTable<string, BindingValue>,
	key: string,
): BindingValue | undefined {
	const found = bindings.get(key);
	return found?.prefixlen === keyBitsOf(key) ? found : undefined;
}

const labelOf = (tables: Tables, id: number) =>
	[...tables.destinations.entries()].find(
		([, value]) => value.id === id && value.count > 0,
	)?.[0].label;

/** A reader takes no lock: a binding may come or go between its two readings. */
const ATTEMPTS = 5;

/** Bindings that take more memory than the module that saves it takes time. */
const MANY = 1000;

/** Every binding, in no order. */
export function readBindings(tables: Tables): Binding[] {
	for (let attempt = 1; ; attempt++) {
		const labels = labelsById(tables);
		const bindings: Binding[] = [];
		let unknown: number | undefined;
		tables.packed.forEach((key, { id }) => {
			const destination = labels.get(id);
			if (destination) bindings.push({ label: destination.label, key });
			else unknown = id;
			if (bindings.length === MANY) keepYoungGenerationSmall();
		});
		if (unknown === undefined) return bindings;
		if (attempt === ATTEMPTS)
			throw new Failure(
				"failed",
				`a binding leads to destination ${unknown}, which does not exist`,
			);
	}
}

/** The destination of each id. Entries that nothing refers to may share an id with one that is in use. */
export function labelsById(tables: Tables): Map<number, DestinationKey> {
	const labels = new Map<number, DestinationKey>();
	for (const [key, { id, count }] of tables.destinations.entries())
		if (count > 0 || !labels.has(id)) labels.set(id, key);
	return labels;
}
