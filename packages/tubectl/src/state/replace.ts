import { badInput } from "@sluice/cli-kit";
import type { DestinationKey } from "@sluice/maps/tables";
import { type Binding, bindingText } from "../values/binding.js";
import type { Prefix } from "../values/prefix.js";
import { bindingOf, packBoth, packedLength, unpack } from "./binding-key.js";
import { labelsById } from "./bindings.js";
import { destinationKeyOf } from "./destinations.js";
import type { Writer } from "./writer.js";

/** A set of bindings, by packed key: what is wanted. No two have the same key. */
export class BindingSet {
	readonly byKey = new Map<string, Binding>();

	/**
	 * Adds a binding for each protocol.
	 * @throws Failure usage, where another binding has the same prefix and port.
	 */
	add(label: string, prefix: Prefix, port: number): void {
		const [tcp, udp] = packBoth(prefix, port);
		const other = this.byKey.get(tcp);
		if (other)
			throw badInput(
				`duplicate binding ${bindingText({ ...other, label })}: ${JSON.stringify(other.label)} has it already`,
			);
		this.byKey.set(tcp, { label, protocol: "tcp", prefix, port });
		this.byKey.set(udp, { label, protocol: "udp", prefix, port });
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
	const labels = labelsById(tables);

	const kept = new Set<Binding>();
	const removed: [string, Binding][] = [];
	tables.packed.forEach((key, { id }) => {
		const binding = wanted.byKey.get(key);
		if (!binding) removed.push([key, bindingAt(key, labels.get(id))]);
		// What has the same key has the same protocol and domain. With another label it is overwritten, not removed.
		else if (labels.get(id)?.label === binding.label) kept.add(binding);
	});
	const added: [string, Binding][] = [];
	if (kept.size < wanted.byKey.size)
		for (const entry of wanted.byKey)
			if (!kept.has(entry[1])) added.push(entry);
	if (added.length + removed.length > 0) apply(writer, wanted, added, removed);
	return { added: added.map(second), removed: removed.map(second) };
}

function apply(
	writer: Writer,
	wanted: BindingSet,
	added: [string, Binding][],
	removed: [string, Binding][],
): void {
	const { trie, destinations } = writer;
	const counts = new Counts(wanted.byKey.values());
	checkRoom(writer, counts, wanted.byKey.size);
	added.sort(([a], [b]) => packedLength(b) - packedLength(a));
	removed.sort(([a], [b]) => packedLength(a) - packedLength(b));
	writer.change(() => {
		for (const one of counts) {
			const before = destinations.obtain(one.key);
			one.id = before.id;
			// Too high for a moment rather than too low: an id with a count is never given away.
			const count = Math.max(before.count, one.count);
			destinations.setCount(one.key, { id: one.id, count });
		}
		trie.setMany(
			added.map(([key, binding]) => [
				key,
				{ id: counts.of(binding).id, prefixlen: packedLength(key) },
			]),
		);
		trie.deleteMany(removed.map(([key]) => key));
		const known = new Map([...counts].map((one) => [one.id, one.count]));
		for (const [key, value] of destinations.entries()) {
			const count = known.get(value.id) ?? 0;
			if (count !== value.count)
				destinations.setCount(key, { id: value.id, count });
		}
	});
}

const second = <T>([, value]: [string, T]) => value;

/** How many bindings lead to a destination, and its id once it has one. */
interface Count {
	key: DestinationKey;
	count: number;
	id: number;
}

/** Destinations of a set of bindings. Of each label there are up to four: two domains, two protocols. */
class Counts {
	readonly #byLabel = new Map<string, (Count | undefined)[]>();

	constructor(bindings: Iterable<Binding>) {
		for (const binding of bindings) {
			const { label, prefix } = binding;
			let four = this.#byLabel.get(label);
			if (!four) {
				four = [];
				this.#byLabel.set(label, four);
			}
			const place = placeOf(binding);
			const found = four[place];
			if (found) found.count++;
			else {
				const key = destinationKeyOf({ ...binding, domain: prefix.domain });
				four[place] = { key, count: 1, id: -1 };
			}
		}
	}

	of(binding: Binding): Count {
		return this.#byLabel.get(binding.label)?.[placeOf(binding)] as Count;
	}

	*[Symbol.iterator](): IterableIterator<Count> {
		for (const four of this.#byLabel.values())
			for (const one of four) if (one) yield one;
	}
}

const placeOf = ({ prefix, protocol }: Binding) =>
	(prefix.domain === "ipv4" ? 0 : 2) + (protocol === "tcp" ? 0 : 1);

function checkRoom(
	{ tables, destinations }: Writer,
	counts: Counts,
	bindings: number,
): void {
	if (bindings > tables.bindings.maxEntries)
		throw badInput(
			`${bindings} bindings do not fit in ${tables.bindings.maxEntries}`,
		);
	let fresh = 0;
	for (const { key } of counts) {
		const value = destinations.get(key);
		if (!value || !destinations.inUse(value)) fresh++;
	}
	if (fresh > destinations.room()) throw destinations.full();
}

const bindingAt = (packed: string, key: DestinationKey | undefined) =>
	bindingOf(key?.label ?? "?", unpack(packed));
