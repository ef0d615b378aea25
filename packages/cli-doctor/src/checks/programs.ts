import { UNKNOWN } from "@sluice/tunnel";
import type { Attached } from "@sluice/tunnel/hooks";
import { attaching } from "../attaching.js";
import { defaultDevice } from "../device-for.js";
import type { Check, Finding } from "../finding.js";
import { quoted } from "../shell.js";
import { waysToRemotes } from "../ways.js";
import type { World } from "../world.js";

/** A config row has no effect while its program is not attached, and packets pass an interface without one untouched. */
export const programs: Check = {
	name: "attached programs",
	async look(world) {
		const attached = await world.attached();
		const interfaces = await world.interfaces();
		const findings = new Map<string, Finding>();
		for (const [{ ifindex, direction }] of world.config()) {
			const device = interfaces.find((one) => one.ifindex === ifindex)?.ifname;
			// Rows of deleted interfaces are another finding.
			if (ifindex !== 0 && !device) continue;
			const isThere = attached.some(
				(one) =>
					one.direction === direction && (!device || one.device === device),
			);
			if (isThere) continue;
			const where = device ?? (await defaultDevice(world));
			findings.set(`${where} ${direction}`, {
				code: "program-missing",
				message: `there is a config row for ${device ? `${device} ` : ""}${direction}, but ${device ? "no program of ours on it" : "no interface has our program"}`,
				...attaching(world, where, direction),
			});
		}
		for (const [device, why] of await devicesOfTunnels(world)) {
			const hook = `${device} ingress`;
			const isThere = attached.some(
				(one) => `${one.device} ${one.direction}` === hook,
			);
			if (isThere || findings.has(hook)) continue;
			findings.set(hook, {
				code: "program-missing",
				message: `${device} ${why}, but our program is not on its ingress`,
				...attaching(world, device, "ingress"),
			});
		}
		return [...findings.values()];
	},
};

/** The interfaces on which the tunnels' packets arrive, each with the reason. */
async function devicesOfTunnels(world: World): Promise<Map<string, string>> {
	const found = new Map<string, string>();
	for (const { tunnel, remote, route } of await waysToRemotes(world)) {
		const dev = "rows" in route ? route.rows[0]?.dev : undefined;
		if (dev && dev !== "lo" && !found.has(dev))
			found.set(dev, `leads to ${remote}, the remote of tunnel ${tunnel}`);
	}
	const interfaces = await world.interfaces();
	for (const [id, { local, remote }] of world.tunnels()) {
		if (!remote.equals(UNKNOWN)) continue;
		// An address of the loopback or of a dummy device may be reached by any interface.
		const holder = interfaces.find(
			({ operstate, addr_info }) =>
				operstate === "UP" &&
				addr_info.some((one) => one.local === String(local)),
		)?.ifname;
		if (holder && !found.has(holder))
			found.set(holder, `has ${local}, the local address of tunnel ${id}`);
	}
	return found;
}

/** A second program of ours handles packets that the first has handled already, by its own tables. */
export const duplicates: Check = {
	name: "duplicate programs",
	async look(world) {
		const seen = new Map<string, Attached>();
		return (await world.attached()).flatMap((one) => {
			const hook = `${one.device} ${one.direction}`;
			const first = seen.get(hook);
			if (!first) {
				seen.set(hook, one);
				return [];
			}
			return [
				{
					code: "program-duplicate",
					message: `programs ${first.programId} and ${one.programId} on ${hook} are both ours`,
					fix: detaching(one),
				},
			];
		});
	},
};

function detaching({ device, direction, programId, filter }: Attached): string {
	const hook = `${quoted(device)} ${direction}`;
	if (!filter) return `cli_tables detach ${hook} ${programId}`;
	const { pref, chain, handle, protocol } = filter;
	return `tc filter del dev ${hook} chain ${chain} pref ${pref} protocol ${protocol} handle ${handle} bpf`;
}
