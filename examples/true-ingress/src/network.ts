import type { Host, Testbed } from "@sluice/testbed";

export const PROXY = "203.0.113.10";
export const GATEWAY = "203.0.113.2";
export const NODE = "192.168.7.2";
/** The public address of the node. */
export const NAT = "198.51.100.7";

export const picture = `
client            gateway                    nat             node
192.0.2.2         203.0.113.2                198.51.100.7    192.168.7.2
    |             and the proxy address        | masquerade  backend, ports
    |             203.0.113.10                 |             8080 and 9000
    |                |                         |                 |
    +--- internet ---+------- internet --------+---- 192.168.7 --+

 1  client → 203.0.113.10:80          what the client asks for
 2  gateway: to 192.168.7.2:8080      the proxy endpoint's backend, in a GUE tunnel
 3  gateway:6080 ⇒ nat ⇒ node:6080    through the hole that the node's ping made
 4  node: out of the tunnel           if the key is right; the answer goes back the same way`;

export type Network = { client: Host; gateway: Host; node: Host; nat: Host };

/** Client, gateway and a node behind a NAT, with the internet between them. */
export async function network(bed: Testbed): Promise<Network> {
	const [internet, client, gateway, nat, node] = await Promise.all([
		bed.router("internet"),
		bed.host("client"),
		bed.host("gateway"),
		bed.router("nat"),
		bed.host("node"),
	]);
	await bed.link(
		{ host: client, name: "eth0", addresses: ["192.0.2.2/24"] },
		{ host: internet, name: "to-client", addresses: ["192.0.2.1/24"] },
	);
	await bed.link(
		{ host: gateway, name: "eth0", addresses: [`${GATEWAY}/24`] },
		{ host: internet, name: "to-gateway", addresses: ["203.0.113.1/24"] },
	);
	await bed.link(
		{ host: nat, name: "wan", addresses: [`${NAT}/24`] },
		{ host: internet, name: "to-nat", addresses: ["198.51.100.1/24"] },
	);
	await bed.link(
		{ host: node, name: "eth0", addresses: [`${NODE}/24`] },
		{ host: nat, name: "lan", addresses: ["192.168.7.1/24"] },
	);
	await client.route("default", "192.0.2.1");
	await gateway.route("default", "203.0.113.1");
	await nat.route("default", "198.51.100.1");
	await node.route("default", "192.168.7.1");
	await internet.route(PROXY, GATEWAY);
	await nat.run("nft", ["-f", "-"], { input: natRules });
	return { client, gateway, node, nat };
}

/** A home router: what is inside goes out with its address, and nothing comes in that was not asked for. */
const natRules = `table ip nat {
	chain postrouting {
		type nat hook postrouting priority srcnat
		oifname "wan" ip saddr 192.168.7.0/24 masquerade
	}
	chain forward {
		type filter hook forward priority filter
		iifname "wan" ct state established,related accept
		iifname "wan" drop
	}
}`;
