import { Address } from "@sluice/maps/address";
import { DF, eth, MORE } from "../../helpers/packet.js";
import {
	gatewayIngress,
	nodeIngress,
	type PacketCase,
	rx,
	tx,
} from "../../helpers/packet-case.js";
import type { TunnelTables } from "../../helpers/programs.js";
import { tcp4, tcp4over6, tcp6over6, udp4 } from "../services.js";
import { client, client6, far, far6, key, near, near6, port } from "../site.js";

/** Each flow of the tunnels 100 and 106 has a source port of its own. */
function flowPorts({ options }: TunnelTables): void {
	for (const tunnel of [100, 106])
		options.set(tunnel, {
			within: Address.of("::"),
			withinBits: 0,
			moveAfter: 0,
			flags: 1,
		});
}

function gateway(tables: TunnelTables): void {
	flowPorts(tables);
	tables.config.set(
		{ ifindex: 0, direction: "egress" },
		{ id: 2, flags: tx.proxy | tx.snat | tx.fib, name: "gateway" },
	);
}

/** The outer header with the source port, and the IPv6 flow label, that the flow's hash makes; of a flow always the same. */
const from = (source: number) =>
	eth().ipv4(near, far, { fragment: DF, ttl: 64 }).udp(source, port);
const from6 = (source: number, flowLabel: number) =>
	eth().ipv6(near6, far6, { hopLimit: 64, flowLabel }).udp(source, port);

const egress = {
	direction: "egress",
	flags: tx.proxy,
	tables: flowPorts,
} as const;
const fast = {
	direction: "ingress",
	flags: rx.dnat | rx.fast,
	tables: gateway,
	onLink: true,
	verdict: "redirect",
	outcome: "dnat",
} as const;

const data = Buffer.alloc(24, 0x61);
const first = eth()
	.ipv4(client, "1.1.1.1", { id: 7, fragment: MORE })
	.udp(40000, 4000, { length: 56, checksum: 0x1234 })
	.payload(data);

export const sourcePort: PacketCase[] = [
	{
		...egress,
		title: "source port: of a flow over IPv4",
		input: eth().ipv4(client, "1.1.1.1").tcp(40000, 4000),
		output: from(59450).gue(tcp4, key).ipv4(client, "1.1.1.1").tcp(40000, 4000),
		outcome: "encapsulated",
	},
	{
		...egress,
		title: "source port: another flow's",
		input: eth().ipv4(client, "1.1.1.1").tcp(40001, 4000),
		output: from(54433).gue(tcp4, key).ipv4(client, "1.1.1.1").tcp(40001, 4000),
		outcome: "encapsulated",
	},
	{
		...egress,
		title: "source port: of a flow over IPv6",
		input: eth().ipv6(client6, "2001:db8:1::7").tcp(40000, 4000),
		output: from6(63042, 889012)
			.gue(tcp6over6, key)
			.ipv6(client6, "2001:db8:1::7")
			.tcp(40000, 4000),
		outcome: "encapsulated",
	},
	{
		...egress,
		title: "source port: of a reply",
		flags: 0,
		input: eth().ipv4("1.1.1.1", client).tcp(4000, 40000),
		output: from(49548).gue(tcp4, key).ipv4("1.1.1.1", client).tcp(4000, 40000),
		outcome: "encapsulated",
	},
	{
		...egress,
		title: "source port: a later fragment has its first's",
		before: [first],
		input: eth()
			.ipv4(client, "1.1.1.1", { id: 7, fragment: 4, protocol: 17 })
			.payload(data),
		output: from(59450)
			.gue(udp4, key)
			.ipv4(client, "1.1.1.1", { id: 7, fragment: 4, protocol: 17 })
			.payload(data),
		outcome: "encapsulated",
	},
	{
		...fast,
		title: "source port: of a flow over IPv4 on the fast path",
		input: eth().ipv4(client, tcp4.proxy).tcp(40000, 3100),
		output: from(59450)
			.gue(tcp4, key)
			.ipv4(client, "1.1.1.1", { ttl: 59 })
			.tcp(40000, 4000),
	},
	{
		...fast,
		title: "source port: of a flow over IPv6 on the fast path",
		input: eth().ipv6(client6, tcp6over6.proxy).tcp(40000, 3100),
		output: from6(63042, 889012)
			.gue(tcp6over6, key)
			.ipv6(client6, "2001:db8:1::7", { hopLimit: 59 })
			.tcp(40000, 4000),
	},
	{
		...fast,
		title: "source port: of a flow over IPv4 in a tunnel over IPv6",
		input: eth().ipv4(client, tcp4over6.proxy).tcp(40000, 3100),
		output: from6(57018, 503430)
			.gue(tcp4over6, key)
			.ipv4(client, "1.1.1.7", { ttl: 59 })
			.tcp(40000, 4000),
	},
	{
		title: "source port: any is taken",
		...gatewayIngress,
		tables: flowPorts,
		input: eth()
			.ipv4(far, near, { fragment: DF })
			.udp(49548, port)
			.gue(tcp4, key)
			.ipv4("1.1.1.1", client)
			.tcp(4000, 40000),
		output: eth().ipv4("1.1.1.1", client).tcp(4000, 40000),
		outcome: "decapsulated",
	},
	{
		title: "source port: no ping moves a far end that takes one for each flow",
		...nodeIngress,
		tables: flowPorts,
		input: eth().ipv4("203.0.113.9", near).udp(6000, port).ping(tcp4, key),
		outcome: "ping-locked",
		learned: { tunnel: 100, remote: far, remotePort: port },
	},
	{
		title:
			"source port: fragmentation needed, about such a port where no tunnel has them, passes",
		...nodeIngress,
		input: eth()
			.ipv4("198.51.100.7", near)
			.icmp(3, 4, 1300)
			.ipv4(near, far, { length: 1500, fragment: DF })
			.udp(59450, port, { length: 1480 })
			.payload(Buffer.alloc(20)),
		outcome: "not-ours",
	},
];
