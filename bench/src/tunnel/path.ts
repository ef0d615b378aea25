import type { Host, Link, Testbed } from "@sluice/testbed";
import { serveConnects } from "../generators/connects.js";
import { serveIperf } from "../generators/iperf.js";

/** Where the servers listen, on the node. */
export const BACKEND = "10.9.0.1";
/** The gateway's public address, which stands for the backend. */
export const PROXY = "5.5.5.5";

export const GATEWAY = "10.2.0.1";
export const NODE = "10.2.0.2";

/** Client, gateway and node, with the servers on the node. How packets go on from the gateway is each way's own. */
export type Path = {
	client: Host;
	gateway: Host;
	node: Host;
	links: Link[];
	/** What the client talks to. */
	target: string;
};

/** The hosts and cables that all ways have alike: client "eth0" – "lan" gateway "wan" – "eth0" node. */
export async function buildPath(bed: Testbed, target: string): Promise<Path> {
	const client = await bed.host("client");
	const gateway = await bed.router("gateway");
	const node = await bed.host("node");
	const links = [
		await bed.link(
			{ host: client, name: "eth0", addresses: ["10.1.0.2/24"] },
			{ host: gateway, name: "lan", addresses: ["10.1.0.1/24"] },
		),
		await bed.link(
			{ host: gateway, name: "wan", addresses: [`${GATEWAY}/24`] },
			{ host: node, name: "eth0", addresses: [`${NODE}/24`] },
		),
	];
	await client.route("default", "10.1.0.1");
	await node.route("default", GATEWAY);
	await node.run("ip", ["address", "add", `${BACKEND}/32`, "dev", "lo"]);
	await gateway.route(BACKEND, NODE);
	await serveIperf(node, BACKEND);
	await serveConnects(node, BACKEND);
	return { client, gateway, node, links, target };
}
