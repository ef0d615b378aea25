import { setTimeout } from "node:timers/promises";
import { Address, endpointText } from "@sluice/maps/address";
import {
	CHUNK_SLOTS,
	LB_LOCAL,
	type LbChoice,
	type LbKey,
	type LbUpstream,
	lbActions,
	lbStrategies,
} from "@sluice/maps/tables";
import type { Generation } from "./generation.js";
import { deal } from "./maglev.js";
import { chunksOf, type Placed, type Placement } from "./placement.js";
import type { Target, TargetUpstream } from "./target.js";

/** How many keys a change was about. */
export interface Change {
	added: number;
	changed: number;
	removed: number;
}

/** Rows written at once: so many that system calls do not count, so few that memory does not. */
const BATCH = 8192;

/** Far longer than a packet takes from looking at its key to looking at its upstream, in milliseconds. */
const GRACE = 20;

/**
 * Makes a generation's tables hold these targets, by writing what differs. A packet finds all of a key's old state or
 * all of its new: new targets are written to unused slots, then the key is changed, and the old slots are
 * cleared when no packet can be looking at it any more.
 *
 * @throws NoRoom, and nothing is changed; BpfError the kernel refuses
 */
export async function apply(
	tables: Generation,
	placement: Placement,
	targets: readonly Target[],
): Promise<Change> {
	const before = placement.placed;
	const now = placement.place(targets);
	const change = { added: 0, changed: 0, removed: 0 };
	const upstreams = batched<number, LbUpstream>((rows) =>
		tables.upstreams.setMany(rows),
	);
	const slots = batched<number, Uint32Array>((rows) =>
		tables.slots.setMany(rows),
	);
	const keys: [LbKey, LbChoice][] = [];
	for (const [name, placed] of now) {
		const old = before.get(name);
		if (placed === old) continue;
		const rows = changedRows(placed, old);
		const moved = placed.chunk !== old?.chunk;
		const choice = moved || placed.target.strategy !== old.target.strategy;
		for (const [index, row] of rows) upstreams.add(index, row);
		if (moved)
			for (const [index, chunk] of chunks(placed)) slots.add(index, chunk);
		if (choice) keys.push([keyOf(placed.target), choiceOf(placed)]);
		if (!old) change.added++;
		else if (choice || rows.length > 0) change.changed++;
	}
	upstreams.flush();
	slots.flush();
	tables.keys.setMany(keys);
	const gone = [...before].filter(([name]) => !now.has(name));
	change.removed = tables.keys.deleteMany(
		gone.map(([, { target }]) => keyOf(target)),
	);

	await setTimeout(GRACE);
	const free = placement.free(before);
	for (const index of free) upstreams.add(index, unused);
	upstreams.flush();
	tables.traffic.deleteMany(free);
	return change;
}

function batched<K, V>(write: (rows: [K, V][]) => void) {
	let rows: [K, V][] = [];
	const flush = () => {
		write(rows);
		rows = [];
	};
	return {
		flush,
		add(key: K, value: V) {
			rows.push([key, value]);
			if (rows.length === BATCH) flush();
		},
	};
}

/** The upstreams of a key that are not in the tables as they should be. */
function changedRows(now: Placed, old: Placed | undefined) {
	const known = new Map(
		old?.target.upstreams.map((upstream, i) => [old.indices[i], upstream]),
	);
	const rows: [number, LbUpstream][] = [];
	for (const [i, upstream] of now.target.upstreams.entries()) {
		const index = now.indices[i] as number;
		const there = known.get(index);
		const same =
			there?.weight === upstream.weight &&
			there.local === upstream.local &&
			there.ifindex === upstream.ifindex &&
			old?.target.action === now.target.action;
		if (!same) rows.push([index, rowOf(now.target, upstream)]);
	}
	return rows;
}

/** A key's slots, by the chunk's index. */
function* chunks({
	target,
	indices,
	chunk,
	slots,
}: Placed): IterableIterator<[number, Uint32Array]> {
	const all = new Uint32Array(chunksOf(slots) * CHUNK_SLOTS);
	const candidates = target.upstreams.map(({ host, port, weight }) => ({
		name: endpointText(host, port),
		weight,
	}));
	const dealt = deal(candidates, slots);
	for (let slot = 0; slot < slots; slot++)
		all[slot] = indices[dealt[slot] as number] as number;
	for (let i = 0; i < all.length; i += CHUNK_SLOTS)
		yield [chunk + i / CHUNK_SLOTS, all.subarray(i, i + CHUNK_SLOTS)];
}

const keyOf = ({ address, port }: Target): LbKey => ({
	addr: Address.of(address),
	port,
});

const choiceOf = ({ target, chunk, slots }: Placed): LbChoice => ({
	chunk,
	slots,
	strategy: lbStrategies[target.strategy],
});

const rowOf = (target: Target, upstream: TargetUpstream): LbUpstream => ({
	addr: Address.of(upstream.address),
	keyAddr: Address.of(target.address),
	port: upstream.port,
	keyPort: target.port,
	action: lbActions[target.action],
	flags: upstream.local ? LB_LOCAL : 0,
	ifindex: upstream.ifindex,
	weight: upstream.weight,
	inUse: 1,
});

const unused: LbUpstream = {
	addr: Address.of("::"),
	keyAddr: Address.of("::"),
	port: 0,
	keyPort: 0,
	action: 0,
	flags: 0,
	ifindex: 0,
	weight: 0,
	inUse: 0,
};
