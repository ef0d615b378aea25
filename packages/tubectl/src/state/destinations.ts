import { Failure, type Gathered, type Opener } from "@sluice/cli-kit";
import {
	type DestinationKey,
	type DestinationValue,
	type Domain,
	destinationMetricsTable,
	destinationsTable,
	domains,
	type Protocol,
	protocols,
	socketsTable,
} from "@sluice/maps/tables";

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

/** A destination as a change leaves it. */
interface Entry {
	readonly id: number;
	count: number;
	readonly key: DestinationKey;
	/** Not as the table has it. */
	isChanged: boolean;
	/** A socket is about to be registered. */
	isReserved?: boolean;
}

/**
 * The destinations and their ids, of one transaction. An id is the index of a socket and of counters; it is given to
 * another destination only when no binding and no socket refers to it.
 *
 * What changes is gathered, and staged after the last change: of a hundred thousand bindings, most lead to a few.
 */
export class Destinations implements Gathered {
	readonly #tables: Opener;
	readonly #entries = new Map<string, Entry>();
	/** The entry of each id that a binding may have; undefined until it is needed. */
	#byId: Map<number, Entry> | undefined;
	/** Ids that were in use before the transaction, or are now. */
	readonly #used = new Set<number>();
	/** Ids whose counters must be reset. */
	readonly #fresh: number[] = [];

	constructor(tables: Opener) {
		this.#tables = tables;
	}

	get(key: DestinationKey): DestinationValue | undefined {
		return this.#find(key);
	}

	/** The destination of each id that a binding uses, or used before. */
	labels(): ReadonlyMap<number, { readonly key: DestinationKey }> {
		return this.#ids();
	}

	/** Counts one more binding that leads to the destination. Returns its id. @throws Failure all ids are in use */
	acquire(key: DestinationKey): number {
		const entry = this.#obtain(key);
		entry.count++;
		entry.isChanged = true;
		return entry.id;
	}

	/** Counts one binding less. */
	release(id: number): void {
		const entry = this.#ids().get(id);
		if (!entry || entry.count === 0) return;
		entry.count--;
		entry.isChanged = true;
	}

	/** Adds the destination of a socket that is about to be registered. Returns its id. @throws as `acquire` */
	reserve(key: DestinationKey): number {
		const entry = this.#obtain(key);
		entry.isReserved = true;
		return entry.id;
	}

	/** Deletes the destination, unless something refers to it. */
	deleteIfUnused(key: DestinationKey): void {
		const found = this.#find(key);
		if (found) found.isChanged = true;
	}

	stage(): void {
		const table = this.#tables.openTable(destinationsTable);
		for (const one of this.#entries.values()) {
			if (!one.isChanged) continue;
			const { key, id, count } = one;
			if (one.isReserved || this.#inUse(one)) table.set(key, { id, count });
			else table.delete(key);
		}
	}

	beforeWriting(): void {
		const { kernel } = this.#tables.openTable(destinationMetricsTable);
		for (const id of this.#fresh)
			kernel.set(
				id,
				(kernel.get(id) ?? []).map(() => ({
					lookups: 0n,
					misses: 0n,
					errorsBadSocket: 0n,
				})),
			);
	}

	/** The entry of a destination; with an id that is free, where it is not in use. */
	#obtain(key: DestinationKey): Entry {
		const found = this.#find(key);
		if (found && (this.#inUse(found) || this.#used.has(found.id))) return found;
		return this.#allocate(key);
	}

	#find(key: DestinationKey): Entry | undefined {
		const name = nameOf(key);
		const known = this.#entries.get(name);
		if (known || this.#byId) return known;
		const value = this.#tables.openTable(destinationsTable).get(key);
		return value && this.#add(name, { key, ...value, isChanged: false });
	}

	#add(name: string, entry: Entry): Entry {
		this.#entries.set(name, entry);
		return entry;
	}

	#inUse({ id, count }: DestinationValue): boolean {
		if (count > 0) return true;
		return this.#tables.openTable(socketsTable).kernel.get(id) !== undefined;
	}

	/** Reads the whole table. An entry that nothing refers to is deleted: another may have its id. */
	#ids(): Map<number, Entry> {
		if (this.#byId) return this.#byId;
		const byId = new Map<number, Entry>();
		const table = this.#tables.openTable(destinationsTable);
		for (const [key, value] of table.entries()) {
			const name = nameOf(key);
			const entry =
				this.#entries.get(name) ??
				this.#add(name, { key, ...value, isChanged: false });
			if (!this.#inUse(value)) {
				entry.isChanged = true;
				continue;
			}
			this.#used.add(value.id);
			if (value.count > 0 || !byId.has(value.id)) byId.set(value.id, entry);
		}
		this.#byId = byId;
		return byId;
	}

	#allocate(key: DestinationKey): Entry {
		const byId = this.#ids();
		const { maxEntries } = this.#tables.openTable(destinationsTable);
		let id = 0;
		while (this.#used.has(id)) id++;
		if (id >= maxEntries) throw full(maxEntries);
		this.#used.add(id);
		this.#fresh.push(id);
		const entry = { key, id, count: 0, isChanged: true };
		byId.set(id, entry);
		return this.#add(nameOf(key), entry);
	}
}

/** The destinations of a transaction. */
export const destinationsOf = (tables: Opener): Destinations =>
	tables.gathered(make);

const make = (tables: Opener) => new Destinations(tables);

const nameOf = ({ label, domain, protocol }: DestinationKey) =>
	`${domain} ${protocol} ${label}`;

const full = (maxEntries: number) =>
	new Failure("failed", `all ${maxEntries} destinations are in use`, {
		code: "FULL",
		hint: "remove the bindings and sockets of a label that is not needed",
	});
