import { Failure, missing } from "@sluice/cli-kit";
import type { OpenTable } from "@sluice/maps";
import type {
	BindingKey,
	BindingValue,
	DestinationKey,
} from "@sluice/maps/tables";
import { type Binding, bindingText } from "../values/binding.js";
import { prefixText } from "../values/prefix.js";
import {
	bindingOf,
	destinationOf,
	keyOf,
	pack,
	unpack,
} from "./binding-key.js";
import type { Tables } from "./tables.js";
import type { Writer } from "./writer.js";

/** Leads traffic to a label; what the same protocol, prefix and port led to before is replaced. */
export function bind(writer: Writer, binding: Binding): void {
	const { tables, destinations } = writer;
	const key = keyOf(binding);
	const destination = destinationOf(binding);
	const old = exact(tables.bindings, key);
	if (old && destinations.get(destination)?.id === old.id) return;
	writer.change(() => {
		const id = destinations.acquire(destination);
		const { prefixlen } = key;
		writer.trie.setMany([[pack(key), { id, prefixlen }]]);
		if (old) destinations.releaseId(old.id);
	});
}

/** Removes a binding. @throws Failure missing: no such binding, or it leads elsewhere. */
export function unbind(writer: Writer, binding: Binding): void {
	const { tables, destinations } = writer;
	const key = keyOf(binding);
	const destination = destinationOf(binding);
	const old = exact(tables.bindings, key);
	if (!old) throw missing(`no binding ${bindingText(binding)}`);
	if (destinations.get(destination)?.id !== old.id)
		throw missing(
			`no binding ${bindingText(binding)}: it leads to ${JSON.stringify(labelOf(tables, old.id))}`,
		);
	writer.change(() => {
		writer.trie.deleteMany([pack(key)]);
		destinations.release(destination);
	});
}

/** The entry of just this key: a lookup in the trie gives the longest match. */
export function exact(
	bindings: OpenTable<BindingKey, BindingValue>,
	key: BindingKey,
): BindingValue | undefined {
	const found = bindings.get(key);
	return found?.prefixlen === key.prefixlen ? found : undefined;
}

const labelOf = (tables: Tables, id: number) =>
	[...tables.destinations.entries()].find(
		([, value]) => value.id === id && value.count > 0,
	)?.[0].label;

/** A reader takes no lock: a binding may come or go between its two readings. */
const ATTEMPTS = 5;

/** Every binding, in no order. */
export function readBindings(tables: Tables): Binding[] {
	for (let attempt = 1; ; attempt++) {
		const labels = labelsById(tables);
		const bindings: Binding[] = [];
		let unknown: number | undefined;
		for (const [packed, { id }] of tables.packed.entries()) {
			const destination = labels.get(id);
			if (!destination) unknown = id;
			else bindings.push(bindingOf(destination.label, unpack(packed)));
		}
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

/** "tcp 127.0.0.0/8 port 80". */
export const matchText = ({ protocol, prefix, port }: Binding) =>
	`${protocol} ${prefixText(prefix)} ${port === 0 ? "every port" : `port ${port}`}`;
