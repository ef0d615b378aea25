import { badInput } from "@sluice/cli-kit";
import { type DestinationKey, domains, protocols } from "@sluice/maps/tables";
import {
	type Binding,
	destinationOf,
	keyBitsOf,
	precedence,
} from "../binding/binding.js";
import { labelsById } from "./bindings.js";
import { uninterrupted } from "./signals.js";
import type { Writer } from "./writer.js";

/** What is wanted: the label of each packed key. */
export type Wanted = ReadonlyMap<string, string>;

export interface Changes {
	added: Binding[];
	removed: Binding[];
}

/**
 * Makes the bindings equal to a set by the smallest difference. Adds come before removals. Adds are made in the order in
 * which the data plane prefers bindings, removals in the opposite order: at any moment a packet goes where it went
 * before, or where it goes afterwards.
 *
 * @throws Failure where there is no room for all destinations, before the first change.
 */
export function replaceBindings(writer: Writer, wanted: Wanted): Changes {
	const { tables } = writer;
	const labels = labelsById(tables);

	const kept = new Set<string>();
	const removed: Binding[] = [];
	tables.packed.forEach((key, { id }) => {
		const label = labels.get(id)?.label ?? "?";
		const next = wanted.get(key);
		if (next === undefined) removed.push({ label, key });
		// The same key is of the same protocol and domain. Another label overwrites it.
		else if (next === label) kept.add(key);
	});
	const added: Binding[] = [];
	if (kept.size < wanted.size)
		for (const [key, label] of wanted)
			if (!kept.has(key)) added.push({ label, key });
	if (added.length + removed.length > 0) apply(writer, wanted, added, removed);
	return { added, removed };
}

function apply(
	writer: Writer,
	wanted: Wanted,
	added: Binding[],
	removed: Binding[],
): void {
	const { trie, destinations } = writer;
	const counts = new Counts(wanted);
	checkRoom(writer, counts, wanted.size);
	added.sort((a, b) => precedence(a.key) - precedence(b.key));
	removed.sort((a, b) => precedence(b.key) - precedence(a.key));
	const write = () => {
		for (const one of counts) {
			const before = destinations.obtain(one.key);
			one.id = before.id;
			// Too high for a moment rather than too low: an id with a count is never given away.
			const count = Math.max(before.count, one.count);
			destinations.setCount(one.key, { id: one.id, count });
		}
		const entryOf = (binding: Binding) =>
			[
				binding.key,
				{ id: counts.of(binding).id, prefixlen: keyBitsOf(binding.key) },
			] as const;
		inChunks(added, (some) => trie.setMany(some.map(entryOf)));
		inChunks(removed, (some) => trie.deleteMany(some.map(({ key }) => key)));
		const known = new Map([...counts].map((one) => [one.id, one.count]));
		for (const [key, value] of destinations.entries()) {
			const count = known.get(value.id) ?? 0;
			if (count !== value.count)
				destinations.setCount(key, { id: value.id, count });
		}
	};
	uninterrupted(() => writer.change(write));
}

/** Entries of one call: there may be hundreds of thousands. */
const CHUNK = 4096;

function inChunks<T>(
	list: readonly T[],
	write: (some: readonly T[]) => void,
): void {
	for (let at = 0; at < list.length; at += CHUNK)
		write(list.slice(at, at + CHUNK));
}

/** How many bindings lead to a destination, and its id once it has one. */
interface Count {
	key: DestinationKey;
	count: number;
	id: number;
}

/** Destinations of a set of bindings. Of each label there are up to four: two domains, two protocols. */
class Counts {
	readonly #byLabel = new Map<string, (Count | undefined)[]>();

	constructor(wanted: Wanted) {
		for (const [key, label] of wanted) {
			let four = this.#byLabel.get(label);
			if (!four) {
				four = [];
				this.#byLabel.set(label, four);
			}
			const destination = destinationOf({ label, key });
			const place = placeOf(destination);
			const found = four[place];
			if (found) found.count++;
			else four[place] = { key: destination, count: 1, id: -1 };
		}
	}

	of(binding: Binding): Count {
		return this.#byLabel.get(binding.label)?.[
			placeOf(destinationOf(binding))
		] as Count;
	}

	*[Symbol.iterator](): IterableIterator<Count> {
		for (const four of this.#byLabel.values())
			for (const one of four) if (one) yield one;
	}
}

const placeOf = ({ domain, protocol }: DestinationKey) =>
	(domain === domains.ipv4 ? 0 : 2) + (protocol === protocols.tcp ? 0 : 1);

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
