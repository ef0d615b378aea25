import { ask, defaultDevices, type Route } from "@sluice/iproute";
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

/**
 * The interface that attach_tc.sh chooses: that of the default routes, where it is the only one. Without a default route,
 * the only one that is not the loopback; undefined where there are several.
 */
export async function defaultDevice(world: World): Promise<string | undefined> {
	const devices = await defaultDevices(async (...words) => {
		const answer = await needed(ask<Route>("ip", ...words));
		return "rows" in answer ? answer.rows : [];
	});
	if (devices.length === 0)
		for (const one of await world.interfaces())
			if (isNotLoopback(one)) devices.push(one.ifname);
	return devices.length === 1 ? devices[0] : undefined;
}

const isNotLoopback = ({ ifname }: { ifname: string }) => ifname !== "lo";
