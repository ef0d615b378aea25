import { sumOfCpus } from "@sluice/maps/codec";
import {
	type Direction,
	type Endpoint,
	protocolName,
	type Sid,
} from "@sluice/maps/tables";
import { endpointName, sameSid } from "@sluice/tunnel";
import type { Check, Finding } from "../finding.js";
import type { Packet } from "../firewall/match.js";
import { type Chain, ruleset } from "../firewall/ruleset.js";
import { dropping } from "../firewall/verdict.js";
import { CannotLook, type World } from "../world.js";

/** Services that are looked at: most are alike to a firewall. */
const MOST = 64;

/** A firewall sees decapsulated packets, and packets before encapsulation. */
export const firewall: Check = {
	name: "firewall",
	async look(world) {
		const services = world.services().slice(0, MOST);
		if (services.length === 0) return [];
		const chains = await ruleset();
		if (!chains) throw new CannotLook("no nft");
		const [device] = await world.devicesWith("ingress");
		const findings = new Map<string, Finding>();
		for (const [sid, { backend }] of services) {
			const isEnd = !world.isGateway && (await world.isLocal(backend.address));
			for (const one of crossings(world, sid, backend, isEnd)) {
				const packet = { ...one.packet, ...(device && { iifname: device }) };
				for (const hook of one.hooks) {
					const chain = dropping(chains, hook, packet);
					if (!chain) continue;
					const finding = dropped(chain, one, sid, backend);
					findings.set(finding.message, finding);
				}
			}
		}
		return [...findings.values()];
	},
};

/** A packet of a service on its way through this machine. */
interface Crossing {
	packet: Packet;
	hooks: readonly string[];
	what: "requests to" | "answers from" | "one-way flows to";
}

function crossings(
	world: World,
	sid: Sid,
	backend: Endpoint,
	isEnd: boolean,
): Crossing[] {
	const { port, proto } = backend;
	const address = String(backend.address);
	const family = backend.address.isIpv4 ? "ip" : "ip6";
	const common = {
		family,
		proto: protocolName(proto) as "tcp" | "udp",
	} as const;
	const to = { ...common, daddr: address, dport: port };
	const found: Crossing[] = [
		{
			packet: { ...to, state: "new" },
			hooks: isEnd ? ["prerouting", "input"] : ["prerouting", "forward"],
			what: "requests to",
		},
		{
			packet: { ...common, saddr: address, sport: port, state: "established" },
			hooks: isEnd ? ["output"] : ["forward"],
			what: "answers from",
		},
	];
	// With direct server output the gateway sees one direction alone, which conntrack calls invalid.
	if (world.isGateway && isOneWay(world, sid))
		found.push({
			packet: { ...to, state: "invalid" },
			hooks: ["forward"],
			what: "one-way flows to",
		});
	return found;
}

/** Bytes of the service were encapsulated, and none decapsulated; pings count packets without bytes. */
function isOneWay(world: World, sid: Sid): boolean {
	const total = (direction: Direction) =>
		world
			.traffic()
			.filter(([key]) => sameSid(key.sid, sid) && key.direction === direction)
			.reduce(
				(sum, [, cpus]) => sum + sumOfCpus(cpus.map(({ bytes }) => bytes)),
				0n,
			);
	return total("egress") > 0n && total("ingress") === 0n;
}

function dropped(
	chain: Chain,
	{ packet, what }: Crossing,
	sid: Sid,
	backend: Endpoint,
): Finding {
	const { family, daddr, dport, saddr, sport, proto } = packet;
	const [side, address, port] = daddr
		? ["d", daddr, dport]
		: ["s", saddr, sport];
	const name = `${chain.family} ${chain.table} ${chain.name}`;
	return {
		code: "firewall-drops",
		message: `the firewall's chain ${name} drops ${what} ${endpointName(backend)}, the backend of service ${sid.service} ${sid.group}${packet.state === "invalid" ? ": conntrack calls them invalid" : ""}`,
		fix: `nft insert rule ${name} ${family} ${side}addr ${address} ${proto} ${side}port ${port} accept`,
	};
}
