import { DF, eth, tcpFlags } from "../../helpers/packet.js";
import { nodeIngress, type PacketCase } from "../../helpers/packet-case.js";
import {
	tcp4,
	tcp4over6,
	tcp6,
	tcp6over6,
	udp4,
	waiting,
} from "../services.js";
import { client, client6, far, far6, key, near, near6, port } from "../site.js";

const outer = eth().ipv4(far, near, { fragment: DF, ttl: 64 });
const tunnel = outer.udp(port, port);
const outer6 = eth().ipv6(far6, near6);
const tunnel6 = outer6.udp(port, port);

/** A request as the node gets it. */
const request = (fields = {}) =>
	eth().ipv4(client, "1.1.1.1", fields).tcp(40000, 4000).payload("hello");
const inTunnel = (fields = {}) =>
	tunnel.gue(tcp4, key).ipv4(client, "1.1.1.1", fields).tcp(40000, 4000);

/** Outer mark, inner mark before, inner mark after: RFC 6040, section 4.2. */
const marks = [
	[0, 0, 0],
	[0, 1, 1],
	[0, 2, 2],
	[0, 3, 3],
	[1, 0, 0],
	[1, 1, 1],
	[1, 2, 1],
	[1, 3, 3],
	[2, 0, 0],
	[2, 1, 1],
	[2, 2, 2],
	[2, 3, 3],
	[3, 1, 3],
	[3, 2, 3],
	[3, 3, 3],
] as const;

export const decap: PacketCase[] = [
	{
		title: "decap: UDP to the backend",
		...nodeIngress,
		input: tunnel
			.gue(udp4, key)
			.ipv4(client, "1.1.1.1")
			.udp(40000, 4000)
			.payload("hello"),
		output: eth().ipv4(client, "1.1.1.1").udp(40000, 4000).payload("hello"),
		outcome: "decapsulated",
	},
	{
		title: "decap: IPv4 in IPv6",
		...nodeIngress,
		input: tunnel6
			.gue(tcp4over6, key)
			.ipv4(client, "1.1.1.7")
			.tcp(40000, 4000)
			.payload("hello"),
		output: eth().ipv4(client, "1.1.1.7").tcp(40000, 4000).payload("hello"),
		outcome: "decapsulated",
	},
	{
		title: "decap: IPv6 in IPv6",
		...nodeIngress,
		input: tunnel6
			.gue(tcp6over6, key)
			.ipv6(client6, "2001:db8:1::7")
			.tcp(40000, 4000)
			.payload("hello"),
		output: eth()
			.ipv6(client6, "2001:db8:1::7")
			.tcp(40000, 4000)
			.payload("hello"),
		outcome: "decapsulated",
	},
	{
		title: "decap: IPv6 extension headers, inside and outside",
		...nodeIngress,
		input: outer6
			.extension(60)
			.udp(port, port)
			.gue(tcp6over6, key)
			.ipv6(client6, "2001:db8:1::7")
			.extension(0)
			.extension(60)
			.tcp(40000, 4000)
			.payload("hello"),
		output: eth()
			.ipv6(client6, "2001:db8:1::7")
			.extension(0)
			.extension(60)
			.tcp(40000, 4000)
			.payload("hello"),
		outcome: "decapsulated",
	},
	{
		title: "decap: inner IPv4 options",
		...nodeIngress,
		input: inTunnel({ options: Buffer.from([1, 1, 1, 0]) }).payload("hello"),
		output: request({ options: Buffer.from([1, 1, 1, 0]) }),
		outcome: "decapsulated",
	},
	{
		title: "decap: SYN through a link of MTU 1500 has its MSS clamped",
		...nodeIngress,
		onLink: true,
		input: tunnel
			.gue(tcp4, key)
			.ipv4(client, "1.1.1.1")
			.tcp(40000, 4000, {
				flags: tcpFlags.syn,
				options: Buffer.from([2, 4, 0x05, 0xb4]),
			}),
		output: eth()
			.ipv4(client, "1.1.1.1")
			.tcp(40000, 4000, {
				flags: tcpFlags.syn,
				// 1500 - 52 - 40
				options: Buffer.from([2, 4, 0x05, 0x80]),
			}),
		outcome: "decapsulated",
	},
	...marks.map(
		([outside, inside, after]): PacketCase => ({
			title: `decap: outer mark ${outside} on inner mark ${inside}, IPv4`,
			direction: "ingress",
			flags: 0,
			input: eth()
				.ipv4(far, near, { tos: outside })
				.udp(port, port)
				.gue(tcp4, key)
				.ipv4(client, "1.1.1.1", { tos: 0xb8 | inside })
				.tcp(40000, 4000)
				.payload("hello"),
			output: request({ tos: 0xb8 | after }),
			outcome: "decapsulated",
		}),
	),
	...marks.map(
		([outside, inside, after]): PacketCase => ({
			title: `decap: outer mark ${outside} on inner mark ${inside}, IPv6`,
			direction: "ingress",
			flags: 0,
			input: eth()
				.ipv6(far6, near6, { tos: outside })
				.udp(port, port)
				.gue(tcp6over6, key)
				.ipv6(client6, "2001:db8:1::7", { tos: 0xb8 | inside, flowLabel: 77 })
				.tcp(40000, 4000)
				.payload("hello"),
			output: eth()
				.ipv6(client6, "2001:db8:1::7", { tos: 0xb8 | after, flowLabel: 77 })
				.tcp(40000, 4000)
				.payload("hello"),
			outcome: "decapsulated",
		}),
	),
	{
		title: "decap: a mark that its flow would not know drops the packet",
		...nodeIngress,
		input: eth()
			.ipv4(far, near, { tos: 3 })
			.udp(port, port)
			.gue(tcp4, key)
			.ipv4(client, "1.1.1.1")
			.tcp(40000, 4000),
		outcome: "congestion-lost",
	},
	{
		title: "decap: a mark folded in while the families change",
		...nodeIngress,
		input: eth()
			.ipv6(far6, near6, { tos: 3 })
			.udp(port, port)
			.gue(tcp4over6, key)
			.ipv4(client, "1.1.1.7", { tos: 2 })
			.tcp(40000, 4000),
		output: eth().ipv4(client, "1.1.1.7", { tos: 3 }).tcp(40000, 4000),
		outcome: "decapsulated",
	},
	{
		title: "decap: the key of a service whose tunnel waits is as good",
		...nodeIngress,
		input: tunnel.gue(waiting, key).ipv4(client, "1.1.1.6").tcp(40000, 4000),
		output: eth().ipv4(client, "1.1.1.6").tcp(40000, 4000),
		outcome: "decapsulated",
	},
	...[0, 7, 15].map(
		(at): PacketCase => ({
			title: `decap: a key that differs in byte ${at} alone`,
			direction: "ingress",
			flags: 0,
			input: tunnel
				.gue(
					tcp4,
					key.padEnd(16, "\0").slice(0, at) +
						"~".padEnd(1) +
						key.padEnd(16, "\0").slice(at + 1),
				)
				.ipv4(client, "1.1.1.1")
				.tcp(40000, 4000),
			outcome: "wrong-key",
		}),
	),
	{
		title: "decap: no such service",
		...nodeIngress,
		input: tunnel
			.gue({ service: 9, group: 9 }, key)
			.ipv4(client, "1.1.1.1")
			.tcp(40000, 4000),
		outcome: "unknown-service",
	},
	{
		title: "decap: another service's packet",
		...nodeIngress,
		input: tunnel.gue(udp4, key).ipv4(client, "1.1.1.1").tcp(40000, 4000),
		outcome: "foreign-inner",
	},
	{
		title: "decap: an inner protocol without ports",
		...nodeIngress,
		input: tunnel
			.gue(tcp4, key)
			.ipv4(client, "1.1.1.1")
			.icmp(8, 0)
			.payload("ping"),
		outcome: "foreign-inner",
	},
	{
		title: "decap: another GUE version",
		...nodeIngress,
		input: tunnel
			.gue(tcp4, key, 0x4504a000)
			.ipv4(client, "1.1.1.1")
			.tcp(40000, 4000),
		outcome: "gue-version",
	},
	{
		title: "decap: a header that is none of ours",
		...nodeIngress,
		input: tunnel
			.gue(tcp4, key, 0x0404a000)
			.ipv4(client, "1.1.1.1")
			.tcp(40000, 4000),
		outcome: "gue-header",
	},
	{
		title: "decap: UDP without a whole GUE word",
		...nodeIngress,
		input: tunnel.payload("ab", true),
		outcome: "gue-header",
	},
	{
		title: "decap: UDP length shorter than the IP packet",
		...nodeIngress,
		input: outer
			.udp(port, port, { length: 60 })
			.gue(tcp4, key)
			.ipv4(client, "1.1.1.1")
			.tcp(40000, 4000)
			.payload("hello"),
		outcome: "gue-length",
	},
	{
		title: "decap: inner length shorter than the payload",
		...nodeIngress,
		input: tunnel
			.gue(tcp4, key)
			.ipv4(client, "1.1.1.1", { length: 40 })
			.tcp(40000, 4000)
			.payload("hello"),
		outcome: "inner-length",
	},
	{
		title: "decap: inner length beyond the packet",
		...nodeIngress,
		input: tunnel
			.gue(tcp4, key)
			.ipv4(client, "1.1.1.1", { length: 400 })
			.tcp(40000, 4000),
		outcome: "inner-length",
	},
	{
		title: "decap: inner version is not what GUE says",
		...nodeIngress,
		input: tunnel
			.gue(tcp6, key, 0x0504a000)
			.ipv6(client6, "2001:db8:1::1")
			.tcp(40000, 4000),
		outcome: "inner-version",
	},
	{
		title: "decap: several tunnel packets merged into one",
		...nodeIngress,
		gsoSize: 72,
		input: outer
			.udp(port, port)
			.gue(tcp4, key)
			.ipv4(client, "1.1.1.1", { length: 48 })
			.tcp(40000, 4000)
			.payload("hello, hello, hello"),
		outcome: "merged",
	},
	{
		title: "decap: a super-packet that the kernel does not strip",
		...nodeIngress,
		gsoSize: 10,
		input: inTunnel().payload("hello, hello, hello"),
		outcome: "decap-failed",
	},
	{
		title: "decap: plain GUE is not ours",
		...nodeIngress,
		input: tunnel
			.payload(Buffer.from("00040000", "hex"), true)
			.ipv4(client, "1.1.1.1")
			.tcp(40000, 4000),
		outcome: "plain-gue",
	},
	{
		title: "decap: the first fragment of an outer packet",
		...nodeIngress,
		input: eth()
			.ipv4(far, near, { fragment: 0x2000, id: 9 })
			.udp(port, port, { length: 400 })
			.gue(tcp4, key)
			.ipv4(client, "1.1.1.1", { length: 400 })
			.tcp(40000, 4000),
		outcome: "outer-fragment",
	},
];
