import type { Host, Testbed } from "@sluice/testbed";
import { addFilter } from "./filter.js";
import { BACKEND, buildPath, GATEWAY, NODE, type Path, PROXY } from "./path.js";

/** The client knows the backend's address, the gateway just routes. */
export async function routing(bed: Testbed): Promise<Path> {
	return buildPath(bed, BACKEND);
}

/** The gateway gives packets other Ethernet addresses and sends them on: the least that one can do. */
export async function redirect(bed: Testbed): Promise<Path> {
	const path = await buildPath(bed, BACKEND);
	const { gateway, client, node } = path;
	const lan = await deviceOf(gateway, "lan");
	const wan = await deviceOf(gateway, "wan");
	const send = async (from: string, by: Device, to: Device) =>
		addFilter(gateway, from, "ingress", "l2_redirect.bpf.c", {
			IFINDEX: by.ifindex,
			SOURCE: bytes(by.address),
			DESTINATION: bytes(to.address),
		});
	await send("lan", wan, await deviceOf(node, "eth0"));
	await send("wan", lan, await deviceOf(client, "eth0"));
	return path;
}

type Device = { ifindex: number; address: string };

async function deviceOf(host: Host, name: string): Promise<Device> {
	const { stdout } = await host.run("ip", ["-j", "link", "show", "dev", name]);
	return JSON.parse(stdout)[0];
}

/** "02:00…" → "0x02,0x00,…". */
const bytes = (address: string) =>
	address
		.split(":")
		.map((byte) => `0x${byte}`)
		.join(",");

/** The gateway translates proxy → backend with nftables and conntrack. */
export async function dnat(bed: Testbed): Promise<Path> {
	const path = await buildPath(bed, PROXY);
	await translate(path.gateway);
	return path;
}

/** The same, and a VXLAN between gateway and node. */
export async function vxlan(bed: Testbed): Promise<Path> {
	const path = await buildPath(bed, PROXY);
	await translate(path.gateway);
	await vxlanDevice(path.gateway, "10.3.0.1", GATEWAY, NODE, "wan");
	await vxlanDevice(path.node, "10.3.0.2", NODE, GATEWAY, "eth0");
	await path.gateway.route(BACKEND, "10.3.0.2");
	await path.node.route("default", "10.3.0.1");
	return path;
}

async function translate(gateway: Host): Promise<void> {
	await gateway.run("nft", ["-f", "-"], {
		input: `table ip bench {
			chain prerouting {
				type nat hook prerouting priority dstnat
				ip daddr ${PROXY} dnat to ${BACKEND}
			}
		}`,
	});
}

async function vxlanDevice(
	host: Host,
	address: string,
	local: string,
	remote: string,
	device: string,
): Promise<void> {
	await host.run("ip", [
		...["link", "add", "vx", "type", "vxlan", "id", "7", "dstport", "4789"],
		...["local", local, "remote", remote, "dev", device],
	]);
	await host.run("ip", ["address", "add", `${address}/24`, "dev", "vx"]);
	await host.run("ip", ["link", "set", "vx", "up"]);
}
