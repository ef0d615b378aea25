import type { Host, Testbed } from "@sluice/testbed";
import { type Flood, flood } from "../generators/udp-flood.js";

/** The middle box, where the client sends to. */
export const BOX = "10.1.0.1";
/** The first of the addresses behind it; there are a hundred. */
export const UPSTREAM = "10.2.1.1";
export const PORT = 4000;

/** Client – box – upstream; how packets go on from the box is each way's own. */
export type Path = {
	client: Host;
	box: Host;
	upstream: Host;
	/** Where the client sends to, in place of the box. */
	target?: string;
	/** How many ports from `PORT` on the box has keys for. */
	ports?: number;
};

/**
 * The upstream host takes packets off its interface and drops them there: what is measured is the way to it.
 * In between are veth pairs of MTU 1500.
 */
export async function buildPath(bed: Testbed): Promise<Path> {
	const client = await bed.host("client");
	const box = await bed.router("box");
	const upstream = await bed.host("upstream");
	await bed.link(
		{ host: client, name: "eth0", addresses: ["10.1.0.2/24"] },
		{ host: box, name: "lan", addresses: [`${BOX}/24`] },
	);
	await bed.link(
		{ host: box, name: "wan", addresses: ["10.2.0.1/16"] },
		{ host: upstream, name: "eth0", addresses: ["10.2.0.2/16"] },
	);
	const addresses = Array.from(
		{ length: 100 },
		(_, i) => `address add 10.2.1.${i + 1}/32 dev eth0`,
	);
	await upstream.run("ip", ["-batch", "-"], {
		input: `${addresses.join("\n")}\n`,
	});
	await client.route("default", BOX);
	await upstream.route("default", "10.2.0.1");
	await upstream.run("nft", ["-f", "-"], {
		input: `table netdev bench {
			chain arriving {
				type filter hook ingress device eth0 priority 0
				meta l4proto udp drop
			}
		}`,
	});
	return { client, box, upstream };
}

/** @returns packets/s of 64 bytes of payload that arrived upstream */
export async function packets(
	{ client, upstream, target = BOX, ports = 1 }: Path,
	flows: number,
	seconds: number,
): Promise<number> {
	const load: Flood = { target, firstPort: PORT, ports, flows, bytes: 64 };
	const before = await received(upstream);
	await flood(client, load, seconds);
	return ((await received(upstream)) - before) / seconds;
}

type Link = { stats64: { rx: { packets: number } } };

async function received(host: Host): Promise<number> {
	const { stdout } = await host.run("ip", [
		...["-s", "-j", "link", "show", "dev", "eth0"],
	]);
	const [link] = JSON.parse(stdout) as Link[];
	return link?.stats64.rx.packets ?? 0;
}
