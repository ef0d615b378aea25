import { BlockList, isIPv6 } from "node:net";
import { UNKNOWN } from "@sluice/tunnel";
import { execa } from "execa";
import type { Check } from "../finding.js";
import { CannotLook, type World } from "../world.js";

/** A policy of IPsec, as `ip xfrm policy` prints it. */
interface Policy {
	/** "203.0.113.2/32" */
	source: string;
	destination: string;
	/** Undefined: any. */
	protocol: string | undefined;
	direction: string;
	/** The lowest priority is matched first. */
	priority: number;
	/** It encrypts packets, or blocks them. */
	asks: boolean;
}

/**
 * The tunnel programs stand beside IPsec: an encapsulated packet is handed to the interface, and a tunnel packet is taken
 * from it, past every policy.
 */
export const ipsec: Check = {
	name: "IPsec policies",
	async look(world) {
		const policies = await readPolicies();
		return waysOf(world).flatMap(({ id, direction, from, to }) => {
			const covering = policies.find(
				(policy) =>
					policy.direction === direction &&
					(policy.protocol === undefined || policy.protocol === "udp") &&
					isIn(String(from), policy.source) &&
					isIn(String(to), policy.destination),
			);
			// A policy that allows packets in the clear and is matched first does not encrypt.
			if (!covering?.asks) return [];
			const { source, destination } = covering;
			return [
				{
					code: "ipsec-policy",
					message: `the IPsec policy ${source} to ${destination}, ${direction}, covers tunnel ${id}, whose packets go past IPsec: they are not encrypted, and a far end that demands it drops them`,
					question: `are the tunnel's packets to be encrypted? then set the tunnel between addresses inside the VPN; else leave them out of the policies: ip xfrm policy add src ${from} dst ${to} proto udp dir ${direction} priority 1 action allow`,
				},
			];
		});
	},
};

/** Both directions of each tunnel whose remote is known. */
const waysOf = (world: World) =>
	world
		.tunnels()
		.filter(([, { remote }]) => !remote.equals(UNKNOWN))
		.flatMap(([id, { local, remote }]) => [
			{ id, direction: "out", from: local, to: remote },
			{ id, direction: "in", from: remote, to: local },
		]);

/** In the order in which the kernel matches them. */
async function readPolicies(): Promise<Policy[]> {
	const { exitCode, stdout, code } = await execa("ip", ["xfrm", "policy"], {
		reject: false,
	});
	if (code === "ENOENT") throw new CannotLook("no ip");
	// A kernel without IPsec.
	if (exitCode !== 0) return [];
	const found: Policy[] = [];
	for (const text of stdout.split(/^(?=src )/m)) {
		const [, source, destination, protocol] =
			/^src (\S+) dst (\S+)(?: proto (\S+))?/.exec(text) ?? [];
		const [, direction] = /\bdir (in|out|fwd)\b/.exec(text) ?? [];
		if (!source || !destination || !direction) continue;
		found.push({
			...{ source, destination, protocol, direction },
			priority: Number(/\bpriority (\d+)/.exec(text)?.[1] ?? 0),
			asks: /\btmpl\b|action block/.test(text),
		});
	}
	return found.sort((a, b) => a.priority - b.priority);
}

function isIn(address: string, prefix: string): boolean {
	const [network = "", length] = prefix.split("/");
	if (isIPv6(network) !== isIPv6(address)) return false;
	const family = isIPv6(address) ? "ipv6" : "ipv4";
	const list = new BlockList();
	list.addSubnet(
		network,
		Number(length ?? (isIPv6(network) ? 128 : 32)),
		family,
	);
	return list.check(address, family);
}
