import { nanosecondsTai } from "@sluice/maps";
import { Address } from "@sluice/maps/address";
import type { Host } from "@sluice/testbed";
import { dataKey } from "@sluice/tunnel";
import {
	datagram,
	type End,
	flowToken,
	gueData,
	guePing,
	sentEpoch,
	signedPing,
} from "@sluice/tunnel/wire";
import { clis } from "./cli.js";
import { addresses, type Network, network } from "./network.js";
import { script } from "./paths.js";
import { configure } from "./program.js";
import { echoes } from "./traffic.js";

// Two tenants of a gateway, with a service in each mode, and tunnel packets as an attacker builds them.

const { gateway: GATEWAY, node: NODE, proxy } = addresses[4];
const UDP = 17;

/** An end of a packet; by default with the port of the tunnels. */
export const end = (address: string, port = 6080): End => ({
	address: Address.of(address),
	port,
});

export const modes = ["keys", "signed", "tokens"] as const;
export type Mode = (typeof modes)[number];

/** The owner of services, one in each mode. */
export interface Owner {
	name: string;
	/** Group id of its services. */
	group: number;
	/** Of its node, and of its backends. */
	address: string;
	/** Of its first service. */
	port: number;
}

export const victim: Owner = {
	name: "victim",
	group: 1,
	address: NODE,
	port: 90,
};
export const tenant: Owner = {
	name: "tenant",
	group: 2,
	address: "10.6.0.2",
	port: 93,
};
/** Knows the ids and addresses of the victim, and no key. */
export const stranger: Owner = { ...victim, name: "stranger" };

export const numberOf = (mode: Mode) => modes.indexOf(mode) + 1;
export const sidOf = (mode: Mode, { group }: Owner) => ({
	service: numberOf(mode),
	group,
});
export const tunnelOf = (mode: Mode, { group }: Owner) =>
	10 * group + numberOf(mode);
export const portOf = (mode: Mode, { port }: Owner) =>
	port + numberOf(mode) - 1;
export const backendOf = (mode: Mode, owner: Owner): End =>
	end(owner.address, portOf(mode, owner));
/** The key of the service, or its signing key. */
const secretOf = (mode: Mode, { name }: Owner) => `${name}-${mode}`;
export const secret = (mode: Mode, owner: Owner) =>
	Buffer.from(secretOf(mode, owner).padEnd(16, "\0"));
/** The key that packets carry where they carry no token. */
export const keyOf = (mode: Mode, owner: Owner) =>
	mode === "keys"
		? secret(mode, owner)
		: dataKey(secret(mode, owner), sidOf(mode, owner));

/** A tunnel packet with all that the owner of a service can prove. */
export function packet(
	mode: Mode,
	owner: Owner,
	from: End,
	to: End,
	{ sid = sidOf(mode, owner), payload = "hello" } = {},
): Buffer {
	const flow = {
		source: { ...from, proto: UDP },
		destination: { ...to, proto: UDP },
	};
	const key =
		mode === "tokens"
			? flowToken(secret(mode, owner), sid, flow, sentEpoch(nanosecondsTai()))
			: keyOf(mode, owner);
	return gueData({ sid, key }, datagram(from, to, Buffer.from(payload)));
}

/** Pings of each kind for a tunnel, with the keys of an owner. */
export const pings = (mode: Mode, owner: Owner, tunnel: number): Buffer[] => [
	guePing(tunnel),
	guePing(tunnel, { sid: sidOf(mode, owner), key: keyOf(mode, owner) }),
	...[undefined, 7n].map((challenge) =>
		signedPing({
			...{ sid: sidOf(mode, owner), key: secret(mode, owner) },
			...{ tunnel, time: nanosecondsTai(), challenge },
		}),
	),
];

export type Site = Network & { other: Host };

/** The network with a second node behind core; gateway, `node` and `other` serve victim and tenant in each mode. */
export async function tenants(t: Parameters<typeof network>[0]): Promise<Site> {
	const net = await network(t);
	const { bed, client, core, gateway, node } = net;
	const other = await bed.host("other");
	await bed.link(
		{ host: other, name: "eth0", addresses: [`${tenant.address}/24`] },
		{ host: core, name: "to-other", addresses: ["10.6.0.1/24"] },
	);
	await other.route("default", "10.6.0.1");
	await other.run(script("attach_tc"), ["eth0"]);
	await configure(net);
	await clis(other, "cli_cfg", ["set 0 2 gue node", "set 1 2 fib node"]);
	for (const [host, owners] of [
		[gateway, [victim, tenant]],
		[node, [victim]],
		[other, [tenant]],
	] as const) {
		const rows = owners.flatMap((owner) =>
			modes.map((mode) => ({ owner, mode, far: owner.address })),
		);
		await clis(
			host,
			"cli_tunnel",
			rows.map(({ owner, mode, far }) => {
				const ends = host === gateway ? [GATEWAY, far] : [far, GATEWAY];
				return `set ${tunnelOf(mode, owner)} ${ends[0]} 6080 ${ends[1]} 6080 --token ${mode === "tokens" ? "require" : "off"}`;
			}),
		);
		await clis(
			host,
			"cli_service",
			rows.map(({ owner, mode, far }) => {
				const port = portOf(mode, owner);
				const words = `${numberOf(mode)} ${owner.group} udp ${proxy} ${port} ${far} ${port} ${tunnelOf(mode, owner)}`;
				return mode === "keys"
					? `set ${words} ${secretOf(mode, owner)}`
					: `set ${words} --signing-key ${secretOf(mode, owner)} --require-signed`;
			}),
		);
	}
	await echoes(node, victim.port, modes.length);
	await echoes(other, tenant.port, modes.length);
	for (const [host, device] of [
		[client, "direct"],
		[other, "eth0"],
	] as const)
		await host.run("nft", ["-f", "-"], {
			input: `table ip heard {
				chain tunnels {
					type filter hook prerouting priority -300
					iifname ${device} udp sport 6080 counter
				}
			}`,
		});
	return { ...net, other };
}
