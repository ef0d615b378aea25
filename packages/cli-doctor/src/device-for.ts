import { ask, type Route } from "@sluice/iproute";
import { needed, type World } from "./world.js";

/**
 * The interface that a local endpoint belongs to: the one that has it, one of our programs', or the default route's.
 * Never the loopback; undefined where there is no other.
 */
export async function deviceFor(
	world: World,
	local?: string,
): Promise<string | undefined> {
	const interfaces = (await world.interfaces()).filter(isNotLoopback);
	const owner = interfaces.find(({ addr_info }) =>
		addr_info.some((address) => address.local === local),
	);
	if (owner) return owner.ifname;
	const ours = (await world.attached()).find(({ device }) => device !== "lo");
	return ours?.device ?? (await defaultDevice(world));
}

/** The interface of the default route, or the first that is not the loopback. */
export async function defaultDevice(world: World): Promise<string | undefined> {
	const answer = await needed(ask<Route>("ip", "route", "show", "default"));
	const routed = "rows" in answer ? answer.rows[0]?.dev : undefined;
	if (routed) return routed;
	const interfaces = await world.interfaces();
	return interfaces.find(isNotLoopback)?.ifname;
}

const isNotLoopback = ({ ifname }: { ifname: string }) => ifname !== "lo";
