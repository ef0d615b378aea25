import { Address } from "@sluice/maps/address";
import { DF, eth, type Packet, tcpFlags } from "../../helpers/packet.js";
import {
	gatewayEgress,
	type PacketCase,
	tx,
} from "../../helpers/packet-case.js";
import {
	homeless,
	tcp4,
	tcp4over6,
	tcp6,
	tcp6over6,
	torn,
	udp4,
	waiting,
} from "../services.js";
import { client, client6, far, far6, key, near, near6, port } from "../site.js";

const tunnel = eth().ipv4(near, far, { fragment: DF, ttl: 64 }).udp(port, port);
const tunnel6 = eth().ipv6(near6, far6, { hopLimit: 64 }).udp(port, port);

/** A SYN with these options. */
const syn = (packet: Packet, options: number[]) =>
	packet.tcp(40000, 4000, {
		flags: tcpFlags.syn,
		options: Buffer.from(options),
	});

/** Options of a SYN before and after its MSS is clamped to 1408: 1500 less 52, less 40. */
const clamped: [what: string, before: number[], after: number[]][] = [
	["the MSS first", [2, 4, 0x05, 0xb4], [2, 4, 0x05, 0x80]],
	[
		"the MSS at an odd place",
		[1, 2, 4, 0x05, 0xb4, 1, 1, 0],
		[1, 2, 4, 0x05, 0x80, 1, 1, 0],
	],
	[
		"the MSS after others",
		[3, 3, 7, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 2, 4, 0xff, 0xff, 0],
		[3, 3, 7, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 2, 4, 0x05, 0x80, 0],
	],
	["an MSS that fits", [2, 4, 0x05, 0x80], [2, 4, 0x05, 0x80]],
	["a small MSS", [2, 4, 0x02, 0x18], [2, 4, 0x02, 0x18]],
	["no MSS", [1, 1, 4, 2], [1, 1, 4, 2]],
	["no options", [], []],
	[
		"an MSS behind the end of options",
		[0, 2, 4, 0x05, 0xb4, 0, 0, 0],
		[0, 2, 4, 0x05, 0xb4, 0, 0, 0],
	],
	[
		"an option of no length",
		[9, 0, 2, 4, 5, 180, 0, 0],
		[9, 0, 2, 4, 5, 180, 0, 0],
	],
	["an MSS of a wrong length", [2, 3, 5, 180], [2, 3, 5, 180]],
];

export const encap: PacketCase[] = [
	{
		title: "encap: UDP, at the proxy",
		...gatewayEgress,
		input: eth().ipv4(client, "1.1.1.1").udp(40000, 4000).payload("hello"),
		output: tunnel
			.gue(udp4, key)
			.ipv4(client, "1.1.1.1")
			.udp(40000, 4000)
			.payload("hello"),
		outcome: "encapsulated",
	},
	{
		title: "encap: the mark is copied, the class of traffic is not",
		...gatewayEgress,
		input: eth().ipv4(client, "1.1.1.1", { tos: 0xba }).tcp(40000, 4000),
		output: eth()
			.ipv4(near, far, { fragment: DF, ttl: 64, tos: 2 })
			.udp(port, port)
			.gue(tcp4, key)
			.ipv4(client, "1.1.1.1", { tos: 0xba })
			.tcp(40000, 4000),
		outcome: "encapsulated",
	},
	{
		title: "encap: IPv6 in IPv4",
		...gatewayEgress,
		input: eth().ipv6(client6, "2001:db8:1::1").tcp(40000, 4000).payload("hi"),
		output: tunnel
			.gue(tcp6, key)
			.ipv6(client6, "2001:db8:1::1")
			.tcp(40000, 4000)
			.payload("hi"),
		outcome: "encapsulated",
	},
	{
		title: "encap: IPv4 in IPv6, at the node",
		direction: "egress",
		flags: 0,
		input: eth().ipv4("1.1.1.7", client).tcp(4000, 40000).payload("hi"),
		output: tunnel6
			.gue(tcp4over6, key)
			.ipv4("1.1.1.7", client)
			.tcp(4000, 40000)
			.payload("hi"),
		outcome: "encapsulated",
	},
	{
		title: "encap: IPv6 in IPv6, with its mark",
		...gatewayEgress,
		input: eth()
			.ipv6(client6, "2001:db8:1::7", { tos: 0xba, flowLabel: 77 })
			.tcp(40000, 4000),
		output: eth()
			.ipv6(near6, far6, { hopLimit: 64, tos: 2 })
			.udp(port, port)
			.gue(tcp6over6, key)
			.ipv6(client6, "2001:db8:1::7", { tos: 0xba, flowLabel: 77 })
			.tcp(40000, 4000),
		outcome: "encapsulated",
	},
	{
		title: "encap: extension headers before the ports",
		...gatewayEgress,
		input: eth()
			.ipv6(client6, "2001:db8:1::7")
			.extension(0)
			.extension(43)
			.extension(60)
			.tcp(40000, 4000),
		output: tunnel6
			.gue(tcp6over6, key)
			.ipv6(client6, "2001:db8:1::7")
			.extension(0)
			.extension(43)
			.extension(60)
			.tcp(40000, 4000),
		outcome: "encapsulated",
	},
	...clamped.map(
		([what, before, after]): PacketCase => ({
			title: `encap: SYN with ${what}`,
			direction: "egress",
			flags: tx.proxy,
			onLink: true,
			input: syn(eth().ipv4(client, "1.1.1.1"), before),
			output: syn(tunnel.gue(tcp4, key).ipv4(client, "1.1.1.1"), after),
			outcome: "encapsulated",
		}),
	),
	{
		title: "encap: SYN-ACK over IPv6 in IPv6, at the node",
		direction: "egress",
		flags: 0,
		onLink: true,
		input: eth()
			.ipv6("2001:db8:1::7", client6)
			.tcp(4000, 40000, {
				flags: tcpFlags.syn | tcpFlags.ack,
				options: Buffer.from([2, 4, 0x05, 0xa0]),
			}),
		output: tunnel6
			.gue(tcp6over6, key)
			.ipv6("2001:db8:1::7", client6)
			.tcp(4000, 40000, {
				flags: tcpFlags.syn | tcpFlags.ack,
				// 1500 - 72 - 60
				options: Buffer.from([2, 4, 0x05, 0x58]),
			}),
		outcome: "encapsulated",
	},
	{
		title: "encap: the largest packet that fits",
		...gatewayEgress,
		onLink: true,
		input: eth()
			.ipv4(client, "1.1.1.1", { fragment: DF })
			.udp(40000, 4000)
			.payload(Buffer.alloc(1420, 7)),
		output: tunnel
			.gue(udp4, key)
			.ipv4(client, "1.1.1.1", { fragment: DF })
			.udp(40000, 4000)
			.payload(Buffer.alloc(1420, 7)),
		outcome: "encapsulated",
	},
	{
		title: "encap: an interface's own row wins over that for all",
		...gatewayEgress,
		onLink: true,
		// Interface 2 and higher are the test's own: a node's row for each.
		tables: ({ config }) => {
			for (let ifindex = 2; ifindex < 20; ifindex++)
				config.set(
					{ ifindex, direction: "egress" },
					{ id: 2, flags: 0, name: "node" },
				);
		},
		input: eth().ipv4(client, "1.1.1.1").tcp(40000, 4000),
		outcome: "not-ours",
	},
	{
		title: "encap: no such tunnel",
		...gatewayEgress,
		input: eth().ipv4(client, homeless.backend).tcp(40000, 4000),
		outcome: "no-tunnel",
	},
	{
		title: "encap: the far end is not known yet",
		...gatewayEgress,
		input: eth().ipv4(client, waiting.backend).tcp(40000, 4000),
		outcome: "no-remote",
	},
	{
		title: "encap: a far end with a port but no address",
		...gatewayEgress,
		tables: ({ tunnel: table }) =>
			table.set(101, {
				...{ local: Address.of(near), localPort: port },
				...{ remote: Address.of("0.0.0.0"), remotePort: port, lastPing: 0n },
			}),
		input: eth().ipv4(client, waiting.backend).tcp(40000, 4000),
		outcome: "no-remote",
	},
	{
		title: "encap: a tunnel whose ends are of two families",
		...gatewayEgress,
		input: eth().ipv4(client, torn.backend).tcp(40000, 4000),
		outcome: "tunnel-family",
	},
	{
		title: "encap: a super-packet that the kernel does not make room in",
		...gatewayEgress,
		gsoSize: 10,
		input: eth()
			.ipv4(client, "1.1.1.1")
			.tcp(40000, 4000)
			.payload("hello, hello, hello"),
		outcome: "encap-failed",
	},
	{
		title: "egress: no row for this direction",
		direction: "egress",
		input: eth().ipv4(client, "1.1.1.1").tcp(40000, 4000),
		outcome: "no-config",
	},
	{
		title: "ingress: no row for this direction",
		direction: "ingress",
		tables: ({ config }) =>
			config.set(
				{ ifindex: 0, direction: "egress" },
				{ id: 1, flags: 3, name: "other" },
			),
		input: eth().ipv4(client, "5.5.5.5").tcp(40000, 3100),
		outcome: "no-config",
	},
	{
		title: "egress: not IP",
		...gatewayEgress,
		input: eth("ffffffffffff", "020000000001", 0x0806).payload(
			Buffer.from(
				"000108000604000102fc00000001ac100009000000000000ac100004",
				"hex",
			),
		),
		outcome: "not-ip",
	},
	{
		title: "egress: neither end is in a table",
		direction: "egress",
		flags: tx.proxy | tx.snat,
		input: eth().ipv4(client, "198.51.100.7").tcp(40000, 443),
		outcome: "not-ours",
	},
	{
		title: "egress: neither TCP nor UDP",
		direction: "egress",
		flags: tx.proxy | tx.snat,
		input: eth().ipv4(client, "1.1.1.1").icmp(8, 0).payload("ping"),
		outcome: "not-ours",
	},
	...malformed(),
];

/** Headers that do not fit pass untouched, whatever the direction. */
function malformed(): PacketCase[] {
	const packets: [string, Packet][] = [
		[
			"an IPv4 packet longer than its frame",
			eth().ipv4(client, "1.1.1.1", { length: 900 }).tcp(40000, 4000),
		],
		[
			"an IPv4 header of another version",
			eth().ipv4(client, "1.1.1.1", { version: 5 }).tcp(40000, 4000),
		],
		[
			"TCP cut inside its header",
			eth().ipv4(client, "1.1.1.1", { protocol: 6 }).payload(Buffer.alloc(12)),
		],
		[
			"an IPv6 packet longer than its frame",
			eth().ipv6(client6, "2001:db8:1::1", { length: 900 }).tcp(40000, 4000),
		],
		[
			"an IPv6 extension header past the end",
			eth().ipv6(client6, "2001:db8:1::1", { protocol: 60 }).payload("x"),
		],
	];
	return (["ingress", "egress"] as const).flatMap((direction) =>
		packets.map(
			([what, input]): PacketCase => ({
				title: `${direction === "ingress" ? "ingress" : "egress"}: ${what}`,
				direction,
				flags: 3,
				input,
				outcome: "malformed",
			}),
		),
	);
}
