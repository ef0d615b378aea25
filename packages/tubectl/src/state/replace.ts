import { badInput } from "@sluice/cli-kit";
import {
	type DestinationKey,
	domains,
	type Protocol,
} from "@sluice/maps/tables";
import { type Binding, bindingText } from "../values/binding.js";
import type { Prefix } from "../values/prefix.js";
import {
	bindingOf,
	keyOf,
	pack,
	packedLength,
	protocolOf,
	unpack,
} from "./binding-key.js";
import { labelsById } from "./bindings.js";
import { destinationKeyOf } from "./destinations.js";
import type { Writer } from "./writer.js";

/** A set of bindings, by packed key: what is wanted. No two have the same key. */
export class BindingSet {
	readonly byKey = new Map<string, Binding>();

	/** @throws Failure usage, where another binding has the same protocol, prefix and port. */
	add(label: string, protocol: Protocol, prefix: Prefix, port: number): void {
		const binding = { label, protocol, prefix, port };
		const key = pack(keyOf(binding));
		const other = this.byKey.get(key);
		if (other)
			throw badInput(
				`duplicate binding ${bindingText(binding)}: ${JSON.stringify(other.label)} has it already`,
			);
		this.byKey.set(key, binding);
	}
}

export interface Changes {
	added: Binding[];
	removed: Binding[];
}

/**
 * Makes the bindings equal to a set by the smallest difference. Adds come before removals, the most specific first,
 * and removals the other way round, so that no traffic goes astray in between.
 *
 * @throws Failure where there is no room for all destinations, before the first change.
 */
export function replaceBindings(writer: Writer, wanted: BindingSet): Changes {
	const { tables } = writer;
	const have = new Map<string, number>();
	for (const [key, { id }] of tables.packed.entries()) have.set(key, id);
	const labels = labelsById(tables);

	const added: [string, Binding][] = [];
	for (const entry of wanted.byKey) {
		const id = have.get(entry[0]);
		if (id === undefined || !leadsTo(labels.get(id), entry[1]))
			added.push(entry);
	}
	// A key that is wanted with another label is overwritten, not removed.
	const removed: [string, Binding][] = [];
	for (const [key, id] of have) {
		const before = bindingAt(key, labels.get(id));
		if (!wanted.byKey.has(key)) removed.push([key, before]);
	}
	if (added.length + removed.length > 0) apply(writer, wanted, added, removed);
	return { added: added.map(second), removed: removed.map(second) };
}

function apply(
	writer: Writer,
	wanted: BindingSet,
	added: [string, Binding][],
	removed: [string, Binding][],
): void {
	const { tables, destinations } = writer;
	const counts = countByDestination([...wanted.byKey.values()]);
	checkRoom(writer, counts);
	added.sort(([a], [b]) => packedLength(b) - packedLength(a));
	removed.sort(([a], [b]) => packedLength(a) - packedLength(b));
	writer.change(() => {
		const ids = new Map<string, number>();
		for (const [name, { key, count }] of counts) {
			const before = destinations.obtain(key);
			// Too high for a moment rather than too low: an id with a count is never given away.
			const value = { id: before.id, count: Math.max(before.count, count) };
			destinations.setCount(key, value);
			ids.set(name, before.id);
		}
		tables.packed.setMany(
			added.map(([key, binding]) => [
				key,
				{
					id: ids.get(destinationName(binding)) as number,
					prefixlen: packedLength(key),
				},
			]),
		);
		tables.packed.deleteMany(removed.map(([key]) => key));
		for (const [key, value] of destinations.entries()) {
			const count = counts.get(nameOfKey(key))?.count ?? 0;
			if (count !== value.count)
				destinations.setCount(key, { id: value.id, count });
		}
	});
}

const second = <T>([, value]: [string, T]) => value;

const destinationName = ({ label, prefix, protocol }: Binding) =>
	`${prefix.domain} ${protocol} ${label}`;

const nameOfKey = ({ label, domain, protocol }: DestinationKey) =>
	`${domain === domains.ipv4 ? "ipv4" : "ipv6"} ${protocolOf(protocol)} ${label}`;

function countByDestination(bindings: readonly Binding[]) {
	const counts = new Map<string, { key: DestinationKey; count: number }>();
	for (const binding of bindings) {
		const name = destinationName(binding);
		const found = counts.get(name);
		if (found) found.count++;
		else
			counts.set(name, {
				key: destinationKeyOf({ ...binding, domain: binding.prefix.domain }),
				count: 1,
			});
	}
	return counts;
}

function checkRoom(
	{ tables, destinations }: Writer,
	counts: ReadonlyMap<string, { key: DestinationKey; count: number }>,
): void {
	let bindings = 0;
	let fresh = 0;
	for (const { key, count } of counts.values()) {
		bindings += count;
		const value = destinations.get(key);
		if (!value || !destinations.inUse(value)) fresh++;
	}
	if (bindings > tables.bindings.maxEntries)
		throw badInput(
			`${bindings} bindings do not fit in ${tables.bindings.maxEntries}`,
		);
	if (fresh > destinations.room()) throw destinations.full();
}

function leadsTo(key: DestinationKey | undefined, binding: Binding): boolean {
	return key !== undefined && nameOfKey(key) === destinationName(binding);
}

const bindingAt = (packed: string, key: DestinationKey | undefined) =>
	bindingOf(key?.label ?? "?", unpack(packed));
