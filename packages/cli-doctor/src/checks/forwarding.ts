import { readFileSync } from "node:fs";
import type { Check } from "../finding.js";
import type { World } from "../world.js";

const families = {
	IPv4: { key: "net.ipv4.ip_forward", code: "forwarding-ipv4" },
	IPv6: { key: "net.ipv6.conf.all.forwarding", code: "forwarding-ipv6" },
} as const;

/** A gateway passes packets on, and so does a node in front of its backends. */
export const forwarding: Check = {
	name: "forwarding",
	async look(world) {
		const needed = await forwarded(world);
		return Object.entries(families)
			.filter(
				([family, { key }]) =>
					needed.has(family) && isOff(key.replaceAll(".", "/")),
			)
			.map(([family, { key, code }]) => ({
				code,
				message: `${family} packets of services are to be passed on, but ${key} is 0`,
				fix: `sysctl -w ${key}=1`,
			}));
	},
};

/** The families of services whose packets this machine forwards. */
async function forwarded(world: World): Promise<Set<string>> {
	const { isGateway } = world;
	const needed = new Set<string>();
	for (const [, { backend }] of world.services()) {
		const family = backend.address.isIpv4 ? "IPv4" : "IPv6";
		if (needed.has(family)) continue;
		if (isGateway || !(await world.isLocal(backend.address)))
			needed.add(family);
	}
	return needed;
}

/** Whether a kernel parameter is 0. @param path below /proc/sys: "net/ipv4/ip_forward" */
export function isOff(path: string): boolean {
	try {
		return readFileSync(`/proc/sys/${path}`, "utf8").trim() === "0";
	} catch {
		// A kernel without the family.
		return false;
	}
}
