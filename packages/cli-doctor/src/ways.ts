import { type Answer, ask, type Route } from "@sluice/iproute";
import type { Address } from "@sluice/maps/address";
import { UNKNOWN } from "@sluice/tunnel";
import { needed, type World } from "./world.js";

/** Remotes that are looked at: each costs two processes. */
const MOST = 256;

/** A tunnel's remote, and the route to it as the kernel would take it. */
interface Way {
	remote: Address;
	local: Address;
	/** The first of the tunnels that go there. */
	tunnel: number;
	route: Answer<Route>;
}

const known = new WeakMap<World, Promise<Way[]>>();

/** The ways to the remotes of all tunnels, each pair of ends once. */
export function waysToRemotes(world: World): Promise<Way[]> {
	let ways = known.get(world);
	if (!ways) {
		ways = findWays(world);
		known.set(world, ways);
	}
	return ways;
}

async function findWays(world: World): Promise<Way[]> {
	const pairs = new Map<
		string,
		{ id: number; local: Address; remote: Address }
	>();
	for (const [id, { local, remote }] of world.tunnels()) {
		const name = `${local} ${remote}`;
		if (!remote.equals(UNKNOWN) && !pairs.has(name))
			pairs.set(name, { id, local, remote });
	}
	const ways: Way[] = [];
	for (const { id, local, remote } of [...pairs.values()].slice(0, MOST)) {
		const from = (await world.isLocal(local)) ? ["from", String(local)] : [];
		const route = await needed(
			ask<Route>("ip", "route", "get", String(remote), ...from),
		);
		ways.push({ remote, local, tunnel: id, route });
	}
	return ways;
}
