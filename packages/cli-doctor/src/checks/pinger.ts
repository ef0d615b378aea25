import { BlockList } from "node:net";
import { siblingProgram } from "@sluice/cli-kit/sibling";
import { type Address, endpointText } from "@sluice/maps/address";
import { protocols, signingTable, type Tunnel } from "@sluice/maps/tables";
import { rankOfSid, UNKNOWN } from "@sluice/tunnel";
import { execa } from "execa";
import type { Check, Finding } from "../finding.js";
import { boundSockets, isListening } from "../listeners.js";
import { CannotLook, type World } from "../world.js";

/** The number of tunnels that are pinged in parallel. */
const MOST = 8;

/** A far end learns this machine's address from pings, and a NAT needs them to keep its mapping. */
export const pinger: Check = {
	name: "pings to remotes",
	async look(world) {
		const tunnels = await pingedFromHere(world);
		if (tunnels.length === 0) return [];
		const sockets = boundSockets();
		if (!sockets) throw new CannotLook("no /proc");
		const isPinged = ({ local, localPort }: Tunnel) =>
			sockets.some((one) =>
				isListening(one, {
					proto: protocols.udp,
					address: local,
					port: localPort,
				}),
			);
		const silent = tunnels.find(
			([id, tunnel]) =>
				!isPinged(tunnel) && (isBehindNat(tunnel) || !hasAnswered(world, id)),
		);
		const signed = signedTunnels(world);
		const asked = tunnels.filter(
			([id, tunnel]) => isPinged(tunnel) && signed.has(id),
		);
		const unanswered = await Promise.all(
			asked
				.slice(0, MOST)
				.map(([id, tunnel]) => unansweredPing(world, id, tunnel)),
		);
		return [...(silent ? [notRunning(...silent)] : []), ...unanswered.flat()];
	},
};

/** Tunnels that this machine would ping: those of a node that have a remote and a service. */
async function pingedFromHere(world: World): Promise<[number, Tunnel][]> {
	if (world.isGateway) return [];
	const used = new Set(world.services().map(([, { tunnel }]) => tunnel));
	const found: [number, Tunnel][] = [];
	for (const [id, tunnel] of world.tunnels()) {
		const { local, remote, lastPing } = tunnel;
		// The far end pings.
		if (remote.equals(UNKNOWN) || lastPing !== 0n || !used.has(id)) continue;
		if (await world.isLocal(local)) found.push([id, tunnel]);
	}
	return found;
}

const privates = new BlockList();
for (const [network, length] of [
	["10.0.0.0", 8],
	["172.16.0.0", 12],
	["192.168.0.0", 16],
	// Of carriers (RFC 6598).
	["100.64.0.0", 10],
] as const)
	privates.addSubnet(network, length, "ipv4");
privates.addSubnet("fc00::", 7, "ipv6");

const isPrivate = (address: Address) =>
	privates.check(String(address), address.isIpv4 ? "ipv4" : "ipv6");

/** Between a private and a public address there is a NAT. */
const isBehindNat = ({ local, remote }: Tunnel) =>
	isPrivate(local) && !isPrivate(remote);

/** Whether a packet was decapsulated: the far end then had this machine's address. */
const hasAnswered = (world: World, id: number) =>
	world
		.traffic()
		.some(
			([{ tunnel, direction }, cpus]) =>
				tunnel === id &&
				direction === "ingress" &&
				cpus.some(({ packets }) => packets > 0n),
		);

function notRunning(id: number, tunnel: Tunnel): Finding {
	const why = isBehindNat(tunnel)
		? `the NAT between ${tunnel.local} and it needs pings`
		: "no packet has come out of the tunnel yet";
	return {
		code: "pinger-missing",
		message: `no program on this machine pings ${remoteOf(tunnel)}, the remote of tunnel ${id}: ${why}`,
		question: `which service is to run "cli_tunnel ping ${id}"? the unit sluice-ping does: systemctl enable --now sluice-ping`,
	};
}

/** Tunnels with a signing service: the far end answers their pings. */
function signedTunnels(world: World): Set<number> {
	const signing = new Set(
		world.entries(signingTable).map(([sid]) => rankOfSid(sid)),
	);
	return new Set(
		world
			.services()
			.filter(([sid]) => signing.has(rankOfSid(sid)))
			.map(([, { tunnel }]) => tunnel),
	);
}

/**
 * Sends pings beside those of the program that pings, from the same endpoint. Three: the far end takes no ping that is
 * older than the last one, and one of the other program can overtake.
 */
async function unansweredPing(
	{ bpffs }: World,
	id: number,
	tunnel: Tunnel,
): Promise<Finding[]> {
	const [command, ...first] = siblingProgram("cli_tunnel");
	const { exitCode, stderr } = await execa(
		command,
		[
			...first,
			...["ping", String(id), "--count", "3", "--interval", "0.2"],
			...["--bpffs", bpffs],
		],
		{ reject: false },
	);
	if (exitCode === 0 || !/no answer/.test(stderr)) return [];
	return [
		{
			code: "ping-unanswered",
			message: `${remoteOf(tunnel)}, the remote of tunnel ${id}, does not answer signed pings`,
			question:
				'do both ends have the same --signing-key, and does UDP get through? see "cli_cfg stats" and cli_doctor of the far end',
		},
	];
}

const remoteOf = ({ remote, remotePort }: Tunnel) =>
	endpointText(remote, remotePort);
