import type { Host, Testbed } from "@sluice/testbed";

/** Addresses of each gateway: its own, and that of the service which clients reach there. */
export const GATEWAYS = [
	{ name: "gw1", address: "203.0.113.2", proxy: "203.0.113.10" },
	{ name: "gw2", address: "203.0.113.3", proxy: "203.0.113.11" },
] as const;
export const NODE = "192.168.7.2";
export const STORE = "198.18.0.2";

export const picture = `
client         gw1           gw2           store          nat           node n7
192.0.2.2      203.0.113.2   203.0.113.3   198.18.0.2     198.51.100.7  192.168.7.2
   |           proxy .10     proxy .11     etcd              |          web 8080, echo 9000
   |              |             |             |              |             |
   +--------------+--- internet +-------------+--------------+-- 192.168.7 +

Documents are pushed into etcd. An agent on gw1, gw2 and n7 applies what is there for it.`;

export interface Network {
	client: Host;
	gateways: readonly [Host, Host];
	store: Host;
	node: Host;
}

/** A client, two gateways, a node behind a NAT and a host with etcd, with the internet between them. */
export async function network(bed: Testbed): Promise<Network> {
	const [internet, client, gw1, gw2, store, nat, node] = await Promise.all([
		bed.router("internet"),
		bed.host("client"),
		bed.host("gw1"),
		bed.host("gw2"),
		bed.host("store"),
		bed.router("nat"),
		bed.host("n7"),
	]);
	const internetLinks = [
		{ host: client, name: "eth0", address: "192.0.2.2", router: "192.0.2.1" },
		{ host: store, name: "eth0", address: STORE, router: "198.18.0.1" },
		{ host: nat, name: "wan", address: "198.51.100.7", router: "198.51.100.1" },
	];
	for (const { host, name, address, router } of internetLinks) {
		await bed.link(
			{ host, name, addresses: [`${address}/24`] },
			{
				host: internet,
				name: `to-${host.name}`,
				addresses: [`${router}/24`],
			},
		);
		await host.route("default", router);
	}
	for (const [i, host] of [gw1, gw2].entries()) {
		const { address, proxy } = GATEWAYS[i] as (typeof GATEWAYS)[number];
		const router = `203.0.113.${100 + i}`;
		await bed.link(
			{ host, name: "eth0", addresses: [`${address}/32`] },
			{ host: internet, name: `to-${host.name}`, addresses: [`${router}/32`] },
		);
		await host.run("ip", ["route", "add", router, "dev", "eth0"]);
		await host.route("default", router);
		for (const reached of [address, proxy])
			await internet.run("ip", [
				...["route", "add", reached, "dev", `to-${host.name}`],
				...(reached === proxy ? ["via", address, "onlink"] : []),
			]);
	}
	await bed.link(
		{ host: node, name: "eth0", addresses: [`${NODE}/24`] },
		{ host: nat, name: "lan", addresses: ["192.168.7.1/24"] },
	);
	await node.route("default", "192.168.7.1");
	await nat.masquerade("wan");
	return { client, gateways: [gw1, gw2], store, node };
}
