import { Failure } from "@sluice/cli-kit";
import type { OpenTable } from "@sluice/maps";
import {
	type DestinationKey,
	type DestinationValue,
	type Domain,
	domains,
	type Protocol,
	protocols,
} from "@sluice/maps/tables";
import type { Tables } from "./tables.js";

/** Who serves traffic: a label, for one address family and protocol. */
export interface Destination {
	label: string;
	domain: Domain;
	protocol: Protocol;
}

export const destinationKeyOf = ({
	label,
	domain,
	protocol,
}: Destination): DestinationKey => ({
	label,
	domain: domains[domain],
	protocol: protocols[protocol],
});

/** "ipv4:tcp:foo". */
export const destinationText = ({ label, domain, protocol }: Destination) =>
	`${domain}:${protocol}:${label}`;

/**
 * Destinations and their ids. An id is a place in the tables of sockets and metrics; it is given away again only
 * when no binding and no socket refers to it.
 */
export class Destinations {
	readonly #table: OpenTable<DestinationKey, DestinationValue>;
	readonly #tables: Tables;

	constructor(tables: Tables) {
		this.#table = tables.destinations;
		this.#tables = tables;
	}

	get(key: DestinationKey): DestinationValue | undefined {
		return this.#table.get(key);
	}

	entries(): [DestinationKey, DestinationValue][] {
		return [...this.#table.entries()];
	}

	/** Whether the id belongs to the entry. An entry that is not in use is as good as none. */
	inUse({ id, count }: DestinationValue): boolean {
		return count > 0 || this.#tables.sockets.get(id) !== undefined;
	}

	/** How many destinations more there is room for. */
	room(): number {
		const used = this.entries().filter(([, value]) => this.inUse(value));
		return this.#table.maxEntries - used.length;
	}

	/** The destination's entry; a new one with an unused id, where there is none in use. */
	obtain(key: DestinationKey): DestinationValue {
		const existing = this.#table.get(key);
		if (existing && this.inUse(existing)) return existing;
		if (existing) this.#table.delete(key);
		return this.#allocate(key);
	}

	/** Says that one more binding leads to the destination. */
	acquire(key: DestinationKey): number {
		const { id, count } = this.obtain(key);
		this.#table.set(key, { id, count: count + 1 }, "exist");
		return id;
	}

	/** Says that one binding less leads there. */
	release(key: DestinationKey): void {
		const value = this.#table.get(key);
		if (value) this.setCount(key, { ...value, count: value.count - 1 });
	}

	/** `release`, for a destination known by its id alone. */
	releaseId(id: number): void {
		const found = this.entries().find(
			([, value]) => value.id === id && value.count > 0,
		);
		if (found) this.release(found[0]);
	}

	/** Writes how many bindings lead there; an entry that is not in use any more goes. */
	setCount(key: DestinationKey, value: DestinationValue): void {
		if (this.inUse(value)) this.#table.set(key, value);
		else this.#table.delete(key);
	}

	#allocate(key: DestinationKey): DestinationValue {
		const used = new Set<number>();
		for (const [other, value] of this.entries()) {
			if (this.inUse(value)) used.add(value.id);
			// Its socket was closed and no binding leads to it: its id can be given away.
			else this.#table.delete(other);
		}
		let id = 0;
		while (used.has(id)) id++;
		if (id >= this.#table.maxEntries) throw this.full();
		const { metrics } = this.#tables;
		metrics.set(
			id,
			(metrics.get(id) ?? []).map(() => ({
				lookups: 0n,
				misses: 0n,
				errorsBadSocket: 0n,
			})),
		);
		const value = { id, count: 0 };
		this.#table.set(key, value, "new");
		return value;
	}

	full(): Failure {
		return new Failure(
			"failed",
			`all ${this.#table.maxEntries} destinations are in use`,
			{
				code: "FULL",
				hint: "remove the bindings and sockets of a label that is not needed",
			},
		);
	}
}
