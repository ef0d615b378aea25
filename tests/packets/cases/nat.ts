import { eth, type Packet, tcpFlags } from "../../helpers/packet.js";
import {
	gatewayEgress,
	gatewayIngress,
	nodeIngress,
	type PacketCase,
	rx,
	tx,
} from "../../helpers/packet-case.js";
import { crossed } from "../services.js";
import { client, client6 } from "../site.js";

type Ends = (source: string, destination: string) => Packet;

const v4: Ends = (a, b) => eth().ipv4(a, b);
const v4options: Ends = (a, b) =>
	eth().ipv4(a, b, { options: Buffer.from([1, 1, 1, 0]) });
const v6: Ends = (a, b) => eth().ipv6(a, b);
const v6extended: Ends = (a, b) => eth().ipv6(a, b).extension(60);

const families: [
	string,
	Ends,
	client: string,
	proxy: string,
	backend: string,
][] = [
	["IPv4", v4, client, "5.5.5.5", "1.1.1.1"],
	["IPv4 with addresses of the same sum", v4, client, "5.5.6.6", "6.6.5.5"],
	["IPv4 with options", v4options, client, "5.5.5.5", "1.1.1.1"],
	["IPv6", v6, client6, "2001:db8:5::5", "2001:db8:1::1"],
	[
		"IPv6 with extension headers",
		v6extended,
		client6,
		"2001:db8:5::5",
		"2001:db8:1::1",
	],
];

const transports: [string, (ip: Packet, from: number, to: number) => Packet][] =
	[
		["TCP", (ip, from, to) => ip.tcp(from, to).payload("hello")],
		["UDP", (ip, from, to) => ip.udp(from, to).payload("hello")],
		[
			"UDP without a checksum",
			(ip, from, to) => ip.udp(from, to, { checksum: 0 }).payload("hello"),
		],
	];

const translations = families.flatMap(([family, ip, here, proxy, backend]) =>
	transports.flatMap(([name, carry]): PacketCase[] => [
		{
			title: `nat: ${name} over ${family}, proxy to backend`,
			direction: "ingress",
			flags: rx.dnat,
			input: carry(ip(here, proxy), 40000, 3100),
			output: carry(ip(here, backend), 40000, 4000),
			outcome: "dnat",
		},
		{
			title: `nat: ${name} over ${family}, backend to proxy, at the proxy`,
			direction: "egress",
			flags: tx.proxy | tx.snat,
			input: carry(ip(backend, here), 4000, 40000),
			output: carry(ip(proxy, here), 3100, 40000),
			outcome: "snat",
		},
		{
			title: `nat: ${name} over ${family}, backend to proxy, at the node`,
			direction: "egress",
			flags: tx.snat,
			input: carry(ip(backend, here), 4000, 40000),
			output: carry(ip(proxy, here), 3100, 40000),
			outcome: "snat",
		},
	]),
);

/** The UDP checksum is the word that the addresses leave of a payload: here one that comes out as 0, written as ffff. */
const sumIsZero = (source: string, sourcePort: number) =>
	eth()
		.ipv4(source, client)
		.udp(sourcePort, 40000, { checksum: 0xffff })
		.payload(
			Buffer.from([
				zeroSum(source, sourcePort) >> 8,
				zeroSum(source, sourcePort) & 0xff,
			]),
		);

/** What a payload of two bytes must be for the sum over 1.1.1.1's or 5.5.5.5's packet to be ffff. */
function zeroSum(source: string, sourcePort: number): number {
	const words = [
		...source.split(".").map((byte, i) => Number(byte) << (i % 2 ? 0 : 8)),
		...client.split(".").map((byte, i) => Number(byte) << (i % 2 ? 0 : 8)),
		...[17, 10, sourcePort, 40000, 10],
	];
	let sum = words.reduce((a, b) => a + b, 0);
	while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
	return 0xffff - sum;
}

export const nat: PacketCase[] = [
	...translations,
	{
		title: "nat: a UDP checksum that comes out as 0 is written as ffff",
		direction: "egress",
		flags: tx.snat,
		input: eth()
			.ipv4("1.1.1.1", client)
			.udp(4000, 40000)
			.payload(sumIsZero("5.5.5.5", 3100).bytes().subarray(42)),
		output: sumIsZero("5.5.5.5", 3100),
		outcome: "snat",
	},
	{
		title: "nat: without dnat nothing is translated",
		...nodeIngress,
		input: v4(client, "5.5.5.5").tcp(40000, 3100),
		outcome: "not-ours",
	},
	{
		title: "nat: without snat nothing is translated",
		...gatewayEgress,
		input: v4("1.1.1.1", client).tcp(4000, 40000),
		outcome: "not-ours",
	},
	{
		title: "nat: what goes to a backend as it is stays so",
		...gatewayIngress,
		input: v4(client, "1.1.1.1").tcp(40000, 4000),
		outcome: "not-ours",
	},
	{
		title: "nat: what comes from a proxy endpoint as it is stays so",
		direction: "egress",
		flags: tx.proxy | tx.snat,
		input: v4("5.5.5.5", client).tcp(3100, 40000),
		outcome: "not-ours",
	},
	{
		title: "nat: the backend is of another family",
		...gatewayIngress,
		input: v4(client, crossed.proxy).tcp(40000, 3100),
		outcome: "nat-failed",
	},
	{
		title: "nat: a node's direct SYN-ACK has the tunnel's MSS",
		direction: "egress",
		flags: tx.snat,
		onLink: true,
		input: v4("1.1.1.1", client).tcp(4000, 40000, {
			flags: tcpFlags.syn | tcpFlags.ack,
			options: Buffer.from([2, 4, 0x05, 0xb4]),
		}),
		output: v4("5.5.5.5", client).tcp(3100, 40000, {
			flags: tcpFlags.syn | tcpFlags.ack,
			options: Buffer.from([2, 4, 0x05, 0x80]),
		}),
		outcome: "snat",
	},
];
