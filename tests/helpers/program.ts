import type { Host } from "@sluice/testbed";
import { cli, clis } from "./cli.js";
import { addresses, type Family, families } from "./network.js";
import { backend } from "./traffic.js";

type Ends = { gateway: Host; node: Host };

/** Configures both ends. In DSO mode the node answers the client directly. */
export async function configure(
	{ gateway, node }: Ends,
	mode: "standard" | "dso" = "standard",
): Promise<void> {
	await Promise.all([
		clis(gateway, "cli_cfg", [
			"set 0 1 gue,dnat gateway",
			"set 1 1 proxy,snat,fib gateway",
		]),
		clis(node, "cli_cfg", [
			"set 0 2 gue node",
			`set 1 2 ${mode === "dso" ? "snat,fib" : "fib"} node`,
		]),
	]);
}

/** The tunnel between gateway and node whose id is the family of its outer header. */
export async function tunnel(
	{ gateway, node }: Ends,
	outside: Family,
	a: { gateway: string; node: string } = addresses[outside],
): Promise<void> {
	await Promise.all([
		cli(gateway, `cli_tunnel set ${outside} ${a.gateway} 6080 ${a.node} 6080`),
		cli(node, `cli_tunnel set ${outside} ${a.node} 6080 ${a.gateway} 6080`),
	]);
}

export type Service = {
	inside: Family;
	/** Tunnel id: the family of the outer header where `tunnel` made it; by default that of the inner one. */
	tunnel?: number;
	/** Group id, 1 by default; the service id is 1 for TCP, 2 for UDP. */
	group?: number;
	/** Ports of proxy and backend, 80 and 90 by default. */
	tcp?: number;
	udp?: number;
	key?: string;
	/** Addresses of the proxy and of the backend. */
	at?: { proxy: string; node: string };
};

/** A TCP and a UDP service, programmed alike at each host. */
export async function serve(
	hosts: readonly Host[],
	service: Service,
): Promise<void> {
	const { inside, group = 1, tcp = 80, udp = 90, key = "key" } = service;
	const { tunnel = inside } = service;
	const { proxy, node } = service.at ?? addresses[inside];
	await Promise.all(
		hosts.map((host) =>
			clis(host, "cli_service", [
				`set 1 ${group} tcp ${proxy} ${tcp} ${node} ${tcp} ${tunnel} ${key}`,
				`set 2 ${group} udp ${proxy} ${udp} ${node} ${udp} ${tunnel} ${key}`,
			]),
		),
	);
}

/**
 * Everything that requests need to ports 80 (HTTP) and 90 (UDP) of the proxy
 * address of either family, the backend included. The group id is the family
 * inside; `outside` says in which family's tunnel that goes.
 */
export async function serveFamilies(
	ends: Ends,
	mode: "standard" | "dso" = "standard",
	outside = (inside: Family): Family => inside,
): Promise<void> {
	await configure(ends, mode);
	for (const inside of families) {
		await tunnel(ends, outside(inside));
		await serve([ends.gateway, ends.node], {
			inside,
			tunnel: outside(inside),
			group: inside,
		});
	}
	await backend(ends.node, { http: 80, udp: 90 });
}
