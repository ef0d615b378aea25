import { DF, eth, MORE, type Packet } from "../../helpers/packet.js";
import {
	gatewayEgress,
	type PacketCase,
	tx,
} from "../../helpers/packet-case.js";
import { locked, udp4 } from "../services.js";
import { client, client6, far, key, near, port } from "../site.js";

/** The way back: the frame's own addresses, the other way round. */
const back = eth("020000000001", "020000000002");

/** From the IP header on, as an ICMP error quotes it. */
const quoted = (packet: Packet, size: number) =>
	packet.bytes().subarray(14, 14 + size);

const data = (size: number) => Buffer.alloc(size, 0x61);

const big4 = eth()
	.ipv4(client, "1.1.1.1", { fragment: DF, id: 99 })
	.udp(40000, 4000)
	.payload(data(1421));
const big6 = eth()
	.ipv6(client6, "2001:db8:1::1")
	.udp(40000, 4000)
	.payload(data(1401));

const answer4 = (packet: Packet, source: string, destination: string) =>
	back
		.ipv4(source, destination, { ttl: 64 })
		.icmp(3, 4, 1448)
		.payload(quoted(packet, 548));

const atNode = eth()
	.ipv4("1.1.1.1", client, { fragment: DF })
	.tcp(4000, 40000)
	.payload(data(1409));

const beyondLock = eth()
	.ipv4(client, locked.backend, { fragment: DF })
	.tcp(40000, 4000)
	.payload(data(1209));

const inTunnel = () =>
	eth()
		.ipv4(near, far, { fragment: DF, ttl: 64 })
		.udp(port, port)
		.gue(udp4, key);

/** Without DF a packet is sent in fragments: the programs' own packet becomes the last. */
const lastFragments: PacketCase[] = [
	...(
		[
			["a packet without DF", 1472, 178, 56],
			["a packet without DF, in three", 2900, 356, 60],
		] as const
	).map(([title, size, fragment, last]) => ({
		title: `too big: ${title}`,
		...gatewayEgress,
		onLink: true,
		input: eth()
			.ipv4(client, "1.1.1.1", { id: 7 })
			.udp(40000, 4000)
			.payload(data(size)),
		output: inTunnel()
			.ipv4(client, "1.1.1.1", { id: 7, fragment, protocol: 17 })
			.payload(data(last)),
		outcome: "encapsulated" as const,
	})),
	{
		title: "too big: a first fragment",
		...gatewayEgress,
		onLink: true,
		input: eth()
			.ipv4(client, "1.1.1.1", { id: 7, fragment: MORE })
			.udp(40000, 4000, { length: 4008, checksum: 1 })
			.payload(data(1472)),
		output: inTunnel()
			.ipv4(client, "1.1.1.1", { id: 7, fragment: MORE | 178, protocol: 17 })
			.payload(data(56)),
		outcome: "encapsulated",
	},
	{
		title: "too big: a later fragment",
		...gatewayEgress,
		onLink: true,
		before: [
			eth()
				.ipv4(client, "1.1.1.1", { id: 7, fragment: MORE })
				.udp(40000, 4000, { length: 4008, checksum: 1 })
				.payload(data(1472)),
		],
		input: eth()
			.ipv4(client, "1.1.1.1", { id: 7, fragment: 185, protocol: 17 })
			.payload(data(1480)),
		output: inTunnel()
			.ipv4(client, "1.1.1.1", { id: 7, fragment: 363, protocol: 17 })
			.payload(data(56)),
		outcome: "encapsulated",
	},
];

export const tooBig: PacketCase[] = [
	...(
		[
			["an IPv4 multicast group", "1.1.1.1", "224.0.0.251"],
			["the broadcast address", "1.1.1.1", "255.255.255.255"],
			["an IPv6 multicast group", "2001:db8:1::1", "ff02::fb"],
		] as const
	).map(([what, from, to]): PacketCase => {
		const ip = to.includes(":")
			? eth().ipv6(from, to)
			: eth().ipv4(from, to, { fragment: DF });
		return {
			title: `too big: what is sent to ${what} is not answered`,
			direction: "egress",
			flags: 0,
			onLink: true,
			input: ip.udp(4000, 40000).payload(data(1472)),
			outcome: "too-big-silent",
		};
	}),
	...([true, "lo"] as const).map(
		(forwarding): PacketCase => ({
			title: `too big: for a route with a locked MTU, the next hop not known, forwarding ${forwarding === true ? "on" : "off"}`,
			direction: "egress",
			flags: tx.proxy | tx.fib,
			onLink: true,
			forwarding,
			input: beyondLock,
			output: back
				.ipv4(locked.backend, client, { ttl: 64 })
				.icmp(3, 4, 1248)
				.payload(quoted(beyondLock, 548)),
			verdict: "redirect",
			outcome: "too-big",
		}),
	),
	{
		title: "too big: IPv4 by one byte, at the proxy",
		...gatewayEgress,
		onLink: true,
		input: big4,
		output: answer4(big4, "1.1.1.1", client),
		verdict: "redirect",
		outcome: "too-big",
	},
	{
		title: "too big: what a node itself sends",
		direction: "egress",
		flags: 0,
		onLink: true,
		input: atNode,
		output: answer4(atNode, client, "1.1.1.1"),
		verdict: "redirect",
		outcome: "too-big",
	},
	{
		title: "too big: IPv6 by one byte",
		...gatewayEgress,
		onLink: true,
		input: big6,
		output: back
			.ipv6("2001:db8:1::1", client6, { hopLimit: 64 })
			.icmp(2, 0, 1448)
			.payload(quoted(big6, 1232)),
		verdict: "redirect",
		outcome: "too-big",
	},
	{
		title: "too big: for a tunnel over IPv6 there is less room",
		...gatewayEgress,
		onLink: true,
		input: eth()
			.ipv4(client, "1.1.1.7", { fragment: DF })
			.tcp(40000, 4000)
			.payload(data(1389)),
		output: back
			.ipv4("1.1.1.7", client, { ttl: 64 })
			.icmp(3, 4, 1428)
			.payload(
				quoted(
					eth()
						.ipv4(client, "1.1.1.7", { fragment: DF })
						.tcp(40000, 4000)
						.payload(data(1389)),
					548,
				),
			),
		verdict: "redirect",
		outcome: "too-big",
	},
	...lastFragments,
	{
		title: "too big: IP options move what is quoted",
		...gatewayEgress,
		onLink: true,
		input: eth()
			.ipv4(client, "1.1.1.1", { options: Buffer.alloc(40, 1) })
			.udp(40000, 4000)
			.payload(data(1400)),
		output: answer4(
			eth()
				.ipv4(client, "1.1.1.1", { options: Buffer.alloc(40, 1) })
				.udp(40000, 4000)
				.payload(data(1400)),
			"1.1.1.1",
			client,
		),
		verdict: "redirect",
		outcome: "too-big",
	},
	{
		title: "too big: no answer where there were too many",
		...gatewayEgress,
		onLink: true,
		answersUsedUp: true,
		input: big4,
		outcome: "too-big-silent",
	},
	{
		title: "too big: no answer to an ICMP error",
		...gatewayEgress,
		onLink: true,
		input: eth()
			.ipv4(client, "1.1.1.1", { fragment: DF })
			.icmp(3, 1)
			.ipv4("1.1.1.1", client)
			.udp(4000, 40000)
			.payload(data(1400)),
		outcome: "too-big-silent",
	},
	{
		title: "too big: datagrams of a super-packet that would not fit",
		...gatewayEgress,
		onLink: true,
		gsoSize: 1421,
		input: eth()
			.ipv4(client, "1.1.1.1", { fragment: DF })
			.udp(40000, 4000)
			.payload(data(2842)),
		output: answer4(
			eth()
				.ipv4(client, "1.1.1.1", { fragment: DF })
				.udp(40000, 4000)
				.payload(data(2842)),
			"1.1.1.1",
			client,
		),
		verdict: "redirect",
		outcome: "too-big",
	},
];
