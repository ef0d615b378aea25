import { type Host, type Link, type Testbed, testbed } from "@sluice/testbed";
import type { ExecutionContext } from "ava";
import { script } from "./paths.js";

/** Addresses of a family. The backend is the node's own address. */
export const addresses = {
	4: {
		client: "10.1.0.2",
		gateway: "10.2.0.2",
		node: "10.3.0.2",
		proxy: "10.9.0.1",
		nat: "10.5.0.2",
	},
	6: {
		client: "fd01::2",
		gateway: "fd02::2",
		node: "fd03::2",
		proxy: "fd09::1",
		nat: "fd05::2",
	},
} as const;

export type Family = keyof typeof addresses;
export const families: readonly Family[] = [4, 6];

/**
 * A client, a gateway and a node; `core` is the internet between them.
 *
 *   client ─ lan ─ gateway ─ wan ─ core ─ (nat ─) node
 *      └───────────────────────────┘ for replies that do not go by the gateway
 */
export type Network = {
	bed: Testbed;
	client: Host;
	gateway: Host;
	core: Host;
	node: Host;
	/** Where one was asked for. */
	nat: Host | undefined;
	/** In the order of the picture: lan, wan, core to client, core to node. */
	links: Link[];
};

/** Both addresses of a host in network `number`, with prefix lengths. */
export const inNetwork = (number: number, host: number) => [
	`10.${number}.0.${host}/24`,
	`fd0${number}::${host}/64`,
];

/** A client, a gateway and a node in a row: networks 1 and 2. Nothing is attached. */
export async function inARow(
	t: Pick<ExecutionContext, "timeout" | "teardown">,
	nodeIs: "host" | "router",
) {
	t.timeout(300_000);
	const bed = testbed(t);
	const [client, gateway, node] = await Promise.all([
		bed.host("client"),
		bed.router("gateway"),
		bed[nodeIs]("node"),
	]);
	await bed.link(
		{ host: client, name: "eth0", addresses: inNetwork(1, 2) },
		{ host: gateway, name: "lan", addresses: inNetwork(1, 1) },
	);
	await bed.link(
		{ host: gateway, name: "wan", addresses: inNetwork(2, 1) },
		{ host: node, name: "wan", addresses: inNetwork(2, 2) },
	);
	await route(client, "default", 1, 1);
	return { bed, client, gateway, node };
}

/** As `inARow`, with routers, and a container behind the node by a veth: network 4. */
export async function withContainer(
	t: Pick<ExecutionContext, "timeout" | "teardown">,
) {
	const row = await inARow(t, "router");
	const { bed, gateway, node } = row;
	const container = await bed.host("container");
	await bed.link(
		{ host: node, name: "veth0", addresses: inNetwork(4, 1) },
		{ host: container, name: "eth0", addresses: inNetwork(4, 2) },
	);
	await route(gateway, "default", 2, 2);
	await route(node, "default", 2, 1);
	await route(container, "default", 4, 1);
	return { ...row, container };
}

/** The network, in both families, with the programs attached and nothing in their tables. */
export async function network(
	t: Pick<ExecutionContext, "timeout" | "teardown">,
	{ nat = false } = {},
): Promise<Network> {
	t.timeout(600_000);
	const bed = testbed(t);
	const [client, gateway, core, node] = await Promise.all([
		bed.host("client"),
		bed.router("gateway"),
		bed.router("core"),
		bed.host("node"),
	]);
	const links = await Promise.all([
		bed.link(
			{ host: client, name: "eth0", addresses: inNetwork(1, 2) },
			{ host: gateway, name: "lan", addresses: inNetwork(1, 1) },
		),
		bed.link(
			{ host: gateway, name: "wan", addresses: inNetwork(2, 2) },
			{ host: core, name: "to-gateway", addresses: inNetwork(2, 1) },
		),
		bed.link(
			{ host: client, name: "direct", addresses: inNetwork(4, 2) },
			{ host: core, name: "to-client", addresses: inNetwork(4, 1) },
		),
	]);
	await route(client, "default", 1, 1);
	await route(gateway, "default", 2, 1);
	await route(core, 1, 4, 2);
	await route(core, 9, 2, 2);
	const router = nat ? await bed.router("nat") : undefined;
	if (router) {
		links.push(
			await bed.link(
				{ host: router, name: "wan", addresses: inNetwork(5, 2) },
				{ host: core, name: "to-nat", addresses: inNetwork(5, 1) },
			),
			await bed.link(
				{ host: node, name: "eth0", addresses: inNetwork(3, 2) },
				{ host: router, name: "lan", addresses: inNetwork(3, 1) },
			),
		);
		await route(router, "default", 5, 1);
		await router.masquerade("wan");
	} else {
		links.push(
			await bed.link(
				{ host: node, name: "eth0", addresses: inNetwork(3, 2) },
				{ host: core, name: "to-node", addresses: inNetwork(3, 1) },
			),
		);
	}
	await route(node, "default", 3, 1);
	await Promise.all([
		gateway
			.run(script("attach_tc"), ["lan"])
			.then(() => gateway.run(script("attach_tc"), ["wan"])),
		node.run(script("attach_tc"), ["eth0"]),
	]);
	return { bed, client, gateway, core, node, nat: router, links };
}

/** Adds routes of both families: to network `to` by host `via` of network `by`. */
export async function route(
	host: Host,
	to: number | "default",
	by: number,
	via: number,
): Promise<void> {
	await host.route(
		to === "default" ? to : `10.${to}.0.0/24`,
		`10.${by}.0.${via}`,
	);
	await host.route(to === "default" ? to : `fd0${to}::/64`, `fd0${by}::${via}`);
}
