// Fills the tunnel's tables of the host that it runs in: program.ts gateway|node SERVICES [dump|fast]

import { openTable } from "@sluice/maps";
import { Address } from "@sluice/maps/address";
import {
	configTable,
	decapTable,
	directions,
	type Endpoint,
	encapTable,
	natTable,
	protocols,
	type Sid,
	tunnelTable,
	verifyTable,
} from "@sluice/maps/tables";
import { CONNECTS_PORT } from "../generators/connects.js";
import { IPERF_PORT } from "../generators/iperf.js";
import { BACKEND, GATEWAY, NODE, PROXY } from "./path.js";

const PINS = "/sys/fs/bpf/tc/globals";
const GUE_PORT = 6080;
const TUNNEL = 100;
const DUMP = 8;
const FAST = 64;
/** gue, dnat and proxy, snat, fib at the gateway; gue and fib at the node. */
const FLAGS = {
	gateway: { ingress: 3, egress: 19 },
	node: { ingress: 1, egress: 16 },
} as const;

type Service = { sid: Sid; proxy: Endpoint; backend: Endpoint };

const role = process.argv[2] === "gateway" ? "gateway" : "node";
const total = Number(process.argv[3]);
const dump = process.argv[4] === "dump" ? DUMP : 0;
const fast = process.argv[4] === "fast" && role === "gateway" ? FAST : 0;

const key = Buffer.from("Pa55w0rd1234567\0");
const services = [...used(), ...others(total - 3)];

for (const direction of directions)
	openTable(configTable, PINS).set(
		{ ifindex: 0, direction },
		{
			id: 1,
			flags:
				FLAGS[role][direction] | dump | (direction === "ingress" ? fast : 0),
			name: role,
		},
	);

const ends = [Address.of(GATEWAY), Address.of(NODE)] as const;
const [local, remote] = role === "gateway" ? ends : ends.toReversed();
openTable(tunnelTable, PINS).set(TUNNEL, {
	...{ local, remote, localPort: GUE_PORT, remotePort: GUE_PORT },
	lastPing: 0n,
});
openTable(decapTable, PINS).set(
	{ address: local, port: GUE_PORT, proto: protocols.udp },
	1,
);

openTable(verifyTable, PINS).setMany(
	services.map(({ sid, proxy, backend }) => [
		sid,
		{ key, tunnel: TUNNEL, proxy, backend },
	]),
);
openTable(encapTable, PINS).setMany(
	services.map(({ sid, backend }) => [backend, { tunnel: TUNNEL, sid, key }]),
);
openTable(natTable, PINS).setMany(
	services.flatMap(({ proxy, backend }) => [
		[proxy, backend],
		[backend, proxy],
	]),
);

/** The services that the generators talk to. */
function used(): Service[] {
	const endpoints = [
		[protocols.tcp, IPERF_PORT],
		[protocols.udp, IPERF_PORT],
		[protocols.tcp, CONNECTS_PORT],
	] as const;
	return endpoints.map(([proto, port], i) => ({
		sid: { service: i, group: 1 },
		proxy: { address: Address.of(PROXY), port, proto },
		backend: { address: Address.of(BACKEND), port, proto },
	}));
}

/** Services that stand in the tables and are not used. */
function others(count: number): Service[] {
	return Array.from({ length: Math.max(0, count) }, (_, i) => {
		const rest = `${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`;
		const port = 4000;
		return {
			sid: { service: i & 0xffff, group: 2 + (i >> 16) },
			proxy: { address: Address.of(`172.${rest}`), port, proto: protocols.tcp },
			backend: {
				address: Address.of(`11.${rest}`),
				port,
				proto: protocols.tcp,
			},
		};
	});
}
