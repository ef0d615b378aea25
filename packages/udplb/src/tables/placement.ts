import { endpointText } from "@sluice/maps/address";
import { CHUNK_SLOTS } from "@sluice/maps/tables";
import { Indices, type Run } from "./allocate.js";
import type { Sizes } from "./generation.js";
import { suits, tableSizes } from "./maglev.js";
import type { Target, TargetUpstream } from "./target.js";

/** A target's position in the tables. */
export interface Placed {
	target: Target;
	/** Index of each upstream, in the target's order. */
	indices: number[];
	/** First chunk of its slots. */
	chunk: number;
	/** How many slots it has. */
	slots: number;
}

/** The tables have no room: it takes larger ones. */
export class NoRoom extends Error {}

export const chunksOf = (slots: number) => Math.ceil(slots / CHUNK_SLOTS);

/** What targets need when they are placed into empty tables. */
export function sizesFor(targets: readonly Target[]): Sizes {
	const counts = targets.map(({ upstreams }) => upstreams.length);
	return {
		chunks: tableSizes(counts).reduce((sum, n) => sum + chunksOf(n), 0),
		upstreams: counts.reduce((sum, n) => sum + n, 0),
	};
}

/**
 * What is where in the tables: each upstream has an index of its own, each key a run of chunks for its slots. Only
 * bookkeeping; nothing is written.
 */
export class Placement {
	readonly #chunks: Indices;
	readonly #upstreams: Indices;
	#placed: ReadonlyMap<string, Placed> = new Map();

	constructor(sizes: Sizes) {
		this.#chunks = new Indices(sizes.chunks);
		this.#upstreams = new Indices(sizes.upstreams);
	}

	/** By the key's text. */
	get placed(): ReadonlyMap<string, Placed> {
		return this.#placed;
	}

	/**
	 * Finds places for these targets in place of what is placed now. What stays the same keeps its place, and a key of
	 * which all does its object; what goes keeps its place until `free`.
	 *
	 * @throws NoRoom, and nothing is changed
	 */
	place(targets: readonly Target[]): ReadonlyMap<string, Placed> {
		const sizes = tableSizes(targets.map(({ upstreams }) => upstreams.length));
		const taken = { chunks: [] as Run[], upstreams: [] as Run[] };
		const take = (from: Indices, count: number, list: Run[]) => {
			const at = from.take(count);
			if (at === undefined) throw new NoRoom();
			list.push({ at, count });
			return at;
		};
		const placeOne = (target: Target, wanted: number): Placed => {
			const before = this.#placed.get(nameOf(target));
			const count = target.upstreams.length;
			const slots =
				before && suits(before.slots, wanted, count) ? before.slots : wanted;
			if (before?.slots === slots && sameTarget(target, before.target))
				return before;
			const known = before && indicesByIdentity(before);
			const indices = target.upstreams.map(
				(upstream) =>
					known?.get(identity(upstream)) ??
					take(this.#upstreams, 1, taken.upstreams),
			);
			const placed = { target, indices, slots, chunk: 0 };
			placed.chunk =
				before && sameSlots(placed, before)
					? before.chunk
					: take(this.#chunks, chunksOf(slots), taken.chunks);
			return placed;
		};
		try {
			this.#placed = new Map(
				targets.map((target, i) => [
					nameOf(target),
					placeOne(target, sizes[i] as number),
				]),
			);
		} catch (error) {
			this.#chunks.give(taken.chunks);
			this.#upstreams.give(taken.upstreams);
			throw error;
		}
		return this.#placed;
	}

	/** Gives back what `before` had and what is placed now does not have. @returns the upstreams' indices */
	free(before: ReadonlyMap<string, Placed>): number[] {
		const chunks: Run[] = [];
		const upstreams: number[] = [];
		for (const [name, old] of before) {
			const now = this.#placed.get(name);
			if (now === old) continue;
			const { chunk, slots, indices } = old;
			if (now?.chunk !== chunk)
				chunks.push({ at: chunk, count: chunksOf(slots) });
			const still = new Set(now?.indices);
			for (const index of indices) if (!still.has(index)) upstreams.push(index);
		}
		this.#chunks.give(chunks);
		this.#upstreams.give(upstreams.map((at) => ({ at, count: 1 })));
		return upstreams;
	}
}

const nameOf = ({ address, port }: Target) => endpointText(address, port);

/** The identity of an upstream: with another one, its counters start at 0. */
const identity = ({ host, port, address }: TargetUpstream) =>
	`${host} ${port} ${address}`;

const indicesByIdentity = ({ target, indices }: Placed) =>
	new Map(
		target.upstreams.map((upstream, i) => [
			identity(upstream),
			indices[i] as number,
		]),
	);

function sameTarget(a: Target, b: Target): boolean {
	return (
		a.action === b.action &&
		a.strategy === b.strategy &&
		a.upstreams.length === b.upstreams.length &&
		a.upstreams.every((one, i) => {
			const other = b.upstreams[i] as TargetUpstream;
			return (
				one.host === other.host &&
				one.port === other.port &&
				one.address === other.address &&
				one.weight === other.weight &&
				one.local === other.local &&
				one.ifindex === other.ifindex
			);
		})
	);
}

function sameSlots(now: Placed, before: Placed): boolean {
	return (
		now.slots === before.slots &&
		now.indices.length === before.indices.length &&
		now.indices.every(
			(index, i) =>
				index === before.indices[i] &&
				now.target.upstreams[i]?.weight === before.target.upstreams[i]?.weight,
		)
	);
}
