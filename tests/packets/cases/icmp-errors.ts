import { DF, eth, ip, type Packet } from "../../helpers/packet.js";
import {
	gatewayEgress,
	gatewayIngress,
	nodeIngress,
	type PacketCase,
	tx,
} from "../../helpers/packet-case.js";
import { tcp4, udp4, udp6 } from "../services.js";
import { client, client6, far, far6, key, near, near6, port } from "../site.js";

const router = "198.51.100.99";
const router6 = "2001:db8:99::99";
const tunnel = eth().ipv4(near, far, { fragment: DF, ttl: 64 }).udp(port, port);
const fromFar = eth().ipv4(far, near, { fragment: DF }).udp(port, port);

/** An IPv4 packet in full after this one, as what it quotes. */
const quoting = (error: Packet, packet: Packet) =>
	error.payload(packet.bytes());

/** What the client got and could not be delivered further: from the proxy, which is how it was on the wire there. */
const reply = (source: string, from: number) =>
	ip.ipv4(source, client, { ttl: 9 }).udp(from, 40000).payload("hello world");
const reply6 = (source: string, from: number) =>
	ip.ipv6(source, client6).udp(from, 40000).payload("hello world");
/** What the client sent. */
const request = (destination: string, to: number) =>
	ip.ipv4(client, destination).tcp(40000, to).payload("hello");
const request6 = (destination: string, to: number) =>
	ip.ipv6(client6, destination).udp(40000, to).payload("hello");

type Icmp = Parameters<Packet["icmp"]>;

/** As a router between the tunnel's ends answers a tunnel packet. */
const quotedTunnel = (icmp: Icmp, from = port) =>
	eth()
		.ipv4("198.51.100.7", near)
		.icmp(...icmp)
		.ipv4(near, far, { length: 1500, fragment: DF })
		.udp(from, port, { length: 1480 })
		.payload(Buffer.alloc(20));

const quotedTunnel6 = (icmp: Icmp) =>
	eth()
		.ipv6("2001:db8:9::9", near6)
		.icmp(...icmp)
		.ipv6(near6, far6, { length: 1400 })
		.udp(port, port, { length: 1400 })
		.payload(Buffer.alloc(20));

/** Of the tunnel itself. */
const aboutTunnels: PacketCase[] = [
	{
		title:
			"icmp: fragmentation needed, about a tunnel packet, is the path's MTU",
		...nodeIngress,
		input: quotedTunnel([3, 4, 1300]),
		outcome: "path-mtu",
	},
	{
		title: "icmp: packet too big, about a tunnel packet, is the path's MTU",
		...nodeIngress,
		input: quotedTunnel6([2, 0, 1300]),
		outcome: "path-mtu",
	},
	{
		title: "icmp: host unreachable, about a tunnel packet, passes",
		...nodeIngress,
		input: quotedTunnel([3, 1, 0]),
		outcome: "not-ours",
	},
	{
		title: "icmp: fragmentation needed with a wrong checksum passes",
		...nodeIngress,
		input: quotedTunnel([3, 4, 1300, 0x1234]),
		outcome: "not-ours",
	},
	{
		title: "icmp: packet too big with a wrong checksum passes",
		...nodeIngress,
		input: quotedTunnel6([2, 0, 1300, 0x1234]),
		outcome: "not-ours",
	},
	{
		title: "icmp: fragmentation needed, about another port's packet, passes",
		...nodeIngress,
		input: quotedTunnel([3, 4, 1300], 6081),
		outcome: "not-ours",
	},
];

export const icmpErrors: PacketCase[] = [
	...aboutTunnels,
	{
		title: "icmp: fragmentation needed, from the client's side, is translated",
		...gatewayIngress,
		input: quoting(
			eth().ipv4(router, "5.5.5.5").icmp(3, 4, 1300),
			reply("5.5.5.5", 3100),
		),
		output: quoting(
			eth().ipv4(router, "1.1.1.1").icmp(3, 4, 1300),
			reply("1.1.1.1", 4000),
		),
		outcome: "dnat",
	},
	{
		title: "icmp: packet too big, from the client's side, is translated",
		...gatewayIngress,
		input: quoting(
			eth().ipv6(router6, "2001:db8:5::5").icmp(2, 0, 1300),
			reply6("2001:db8:5::5", 3100),
		),
		output: quoting(
			eth().ipv6(router6, "2001:db8:1::1").icmp(2, 0, 1300),
			reply6("2001:db8:1::1", 4000),
		),
		outcome: "dnat",
	},
	{
		title: "icmp: a quoted TCP header cut after eight bytes is enough",
		...gatewayIngress,
		input: eth()
			.ipv4(router, "5.5.5.5")
			.icmp(11, 0)
			.payload(
				ip.ipv4("5.5.5.5", client).tcp(3100, 40000).bytes().subarray(0, 28),
			),
		output: eth()
			.ipv4(router, "1.1.1.1")
			.icmp(11, 0)
			.payload(
				ip.ipv4("1.1.1.1", client).tcp(4000, 40000).bytes().subarray(0, 28),
			),
		outcome: "dnat",
	},
	{
		title: "icmp: it goes through the tunnel to the backend",
		...gatewayEgress,
		input: quoting(
			eth().ipv4(router, "1.1.1.1").icmp(3, 4, 1300),
			reply("1.1.1.1", 4000),
		),
		output: quoting(
			tunnel.gue(udp4, key).ipv4(router, "1.1.1.1").icmp(3, 4, 1300),
			reply("1.1.1.1", 4000),
		),
		outcome: "encapsulated",
	},
	{
		title: "icmp: ICMPv6 goes through the tunnel to the backend",
		...gatewayEgress,
		input: quoting(
			eth().ipv6(router6, "2001:db8:1::1").icmp(2, 0, 1300),
			reply6("2001:db8:1::1", 4000),
		),
		output: quoting(
			tunnel.gue(udp6, key).ipv6(router6, "2001:db8:1::1").icmp(2, 0, 1300),
			reply6("2001:db8:1::1", 4000),
		),
		outcome: "encapsulated",
	},
	{
		title:
			"icmp: the node takes it, for the quoted packet is the service's own",
		...nodeIngress,
		input: quoting(
			fromFar.gue(udp4, key).ipv4(router, "1.1.1.1").icmp(3, 4, 1300),
			reply("1.1.1.1", 4000),
		),
		output: quoting(
			eth().ipv4(router, "1.1.1.1").icmp(3, 4, 1300),
			reply("1.1.1.1", 4000),
		),
		outcome: "decapsulated",
	},
	{
		title: "icmp: one that quotes another service's packet is refused",
		...nodeIngress,
		input: quoting(
			fromFar.gue(tcp4, key).ipv4(router, "1.1.1.1").icmp(3, 4, 1300),
			reply("1.1.1.1", 4000),
		),
		outcome: "foreign-inner",
	},
	{
		title:
			"icmp: one that goes to another host than the quoted packet came from is refused",
		...nodeIngress,
		input: quoting(
			fromFar.gue(udp4, key).ipv4(router, "1.1.1.2").icmp(3, 4, 1300),
			reply("1.1.1.1", 4000),
		),
		outcome: "foreign-inner",
	},
	{
		title: "icmp: port unreachable, from the backend, is encapsulated",
		direction: "egress",
		flags: 0,
		input: quoting(
			eth().ipv4("1.1.1.1", client).icmp(3, 3),
			request("1.1.1.1", 4000),
		),
		output: quoting(
			tunnel.gue(tcp4, key).ipv4("1.1.1.1", client).icmp(3, 3),
			request("1.1.1.1", 4000),
		),
		outcome: "encapsulated",
	},
	{
		title:
			"icmp: port unreachable becomes the proxy's on its way to the client",
		direction: "egress",
		flags: tx.proxy | tx.snat,
		input: quoting(
			eth().ipv4("1.1.1.1", client).icmp(3, 3),
			request("1.1.1.1", 4000),
		),
		output: quoting(
			eth().ipv4("5.5.5.5", client).icmp(3, 3),
			request("5.5.5.5", 3100),
		),
		outcome: "snat",
	},
	{
		title: "icmp: over IPv6 it becomes the proxy's, too",
		direction: "egress",
		flags: tx.snat,
		input: quoting(
			eth().ipv6("2001:db8:1::1", client6).icmp(1, 4),
			request6("2001:db8:1::1", 4000),
		),
		output: quoting(
			eth().ipv6("2001:db8:5::5", client6).icmp(1, 4),
			request6("2001:db8:5::5", 3100),
		),
		outcome: "snat",
	},
	{
		title: "icmp: a router near the backend keeps its own address",
		direction: "egress",
		flags: tx.proxy | tx.snat,
		input: quoting(
			eth().ipv4(router, client).icmp(11, 0),
			request("1.1.1.1", 4000),
		),
		output: quoting(
			eth().ipv4(router, client).icmp(11, 0),
			request("5.5.5.5", 3100),
		),
		outcome: "snat",
	},
	{
		title: "icmp: the quoted UDP has no checksum",
		...gatewayIngress,
		input: quoting(
			eth().ipv4(client, "5.5.5.5").icmp(3, 3),
			ip.ipv4("5.5.5.5", client).udp(3100, 40000, { checksum: 0 }).payload("x"),
		),
		output: quoting(
			eth().ipv4(client, "1.1.1.1").icmp(3, 3),
			ip.ipv4("1.1.1.1", client).udp(4000, 40000, { checksum: 0 }).payload("x"),
		),
		outcome: "dnat",
	},
	{
		title: "icmp: one about a packet that is not ours passes",
		...gatewayIngress,
		input: quoting(
			eth().ipv4(router, "5.5.5.5").icmp(3, 4, 1300),
			reply("5.5.5.5", 53),
		),
		outcome: "not-ours",
	},
	{
		title: "icmp: an error that quotes nothing passes",
		...gatewayIngress,
		input: eth().ipv4(router, "5.5.5.5").icmp(3, 4, 1300).payload("x"),
		outcome: "not-ours",
	},
	{
		title: "icmp: an echo request passes",
		...gatewayIngress,
		input: quoting(
			eth().ipv4(router, "5.5.5.5").icmp(8, 0, 1),
			reply("5.5.5.5", 3100),
		),
		outcome: "not-ours",
	},
];
