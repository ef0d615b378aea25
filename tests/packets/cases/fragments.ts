import { DF, eth, MORE } from "../../helpers/packet.js";
import {
	gatewayEgress,
	gatewayIngress,
	nodeIngress,
	type PacketCase,
} from "../../helpers/packet-case.js";
import { tcp6over6, udp4, udp6 } from "../services.js";
import { client, client6, far, far6, key, near, near6, port } from "../site.js";

const tunnel = eth().ipv4(near, far, { fragment: DF, ttl: 64 }).udp(port, port);
const fromFar = eth().ipv4(far, near, { fragment: DF }).udp(port, port);
const data = Buffer.alloc(24, 0x61);

/** A datagram of 8 + 24 + 24 bytes in two fragments; the first has the checksum of all. */
const first = (source: string, destination: string, to: number, sum: number) =>
	eth()
		.ipv4(source, destination, { id: 7, fragment: MORE })
		.udp(40000, to, { length: 56, checksum: sum })
		.payload(data);
const later = (source: string, destination: string, id = 7) =>
	eth()
		.ipv4(source, destination, { id, fragment: 4, protocol: 17 })
		.payload(data);
const first6 = (destination: string, to: number, sum: number) =>
	eth()
		.ipv6(client6, destination)
		.ipv6Fragment(70000, 0, true)
		.udp(40000, to, { length: 56, checksum: sum })
		.payload(data);
const later6 = (destination: string) =>
	eth()
		.ipv6(client6, destination)
		.ipv6Fragment(70000, 4, false, 17)
		.payload(data);

export const fragments: PacketCase[] = [
	{
		title: "fragments: a later one is encapsulated as its first was",
		...gatewayEgress,
		before: [first(client, "1.1.1.1", 4000, 0x1234)],
		input: later(client, "1.1.1.1"),
		output: tunnel
			.gue(udp4, key)
			.ipv4(client, "1.1.1.1", { id: 7, fragment: 4, protocol: 17 })
			.payload(data),
		outcome: "encapsulated",
	},
	{
		title: "fragments: another first with its identification makes it void",
		...gatewayEgress,
		before: [
			first(client, "1.1.1.1", 4000, 0x1234),
			first(client, "1.1.1.1", 4001, 0x1234),
		],
		input: later(client, "1.1.1.1"),
		output: later(client, "1.1.1.1"),
		outcome: "fragment-before-first",
	},
	{
		title: "fragments: a later one over IPv6 is encapsulated as its first was",
		...gatewayEgress,
		before: [first6("2001:db8:1::1", 4000, 0x1234)],
		input: later6("2001:db8:1::1"),
		output: tunnel
			.gue(udp6, key)
			.ipv6(client6, "2001:db8:1::1")
			.ipv6Fragment(70000, 4, false, 17)
			.payload(data),
		outcome: "encapsulated",
	},
	{
		title: "fragments: a later one of a packet with destination options",
		...gatewayEgress,
		before: [
			eth()
				.ipv6(client6, "2001:db8:1::1")
				.ipv6Fragment(70000, 0, true)
				.extension(60)
				.udp(40000, 4000, { length: 56, checksum: 0x1234 })
				.payload(data),
		],
		input: eth()
			.ipv6(client6, "2001:db8:1::1")
			.ipv6Fragment(70000, 5, false, 60)
			.payload(data),
		output: tunnel
			.gue(udp6, key)
			.ipv6(client6, "2001:db8:1::1")
			.ipv6Fragment(70000, 5, false, 60)
			.payload(data),
		outcome: "encapsulated",
	},
	{
		title: "fragments: a later one is decapsulated as its first was",
		...nodeIngress,
		before: [
			fromFar
				.gue(udp4, key)
				.ipv4(client, "1.1.1.1", { id: 7, fragment: MORE })
				.udp(40000, 4000, { length: 56, checksum: 1 })
				.payload(data),
		],
		input: fromFar
			.gue(udp4, key)
			.ipv4(client, "1.1.1.1", { id: 7, fragment: 4, protocol: 17 })
			.payload(data),
		output: later(client, "1.1.1.1"),
		outcome: "decapsulated",
	},
	{
		title: "fragments: a later one with another service's key is not",
		...nodeIngress,
		before: [
			fromFar
				.gue(udp4, key)
				.ipv4(client, "1.1.1.1", { id: 7, fragment: MORE })
				.udp(40000, 4000, { length: 56, checksum: 1 })
				.payload(data),
		],
		input: fromFar
			.gue({ service: 5, group: 6 }, key)
			.ipv4(client, "1.1.1.1", { id: 7, fragment: 4, protocol: 17 })
			.payload(data),
		outcome: "foreign-inner",
	},
	{
		title: "fragments: a later one inside a tunnel whose first was not seen",
		...nodeIngress,
		input: fromFar
			.gue(udp4, key)
			.ipv4(client, "1.1.1.1", { id: 7, fragment: 4, protocol: 17 })
			.payload(data),
		outcome: "inner-fragment",
	},
	{
		title: "fragments: the first is translated, its checksum too",
		...gatewayIngress,
		// 5.5.5.5:3100 to 1.1.1.1:4000 is 0808 + 0384 less: the checksum grows by 0484.
		input: first(client, "5.5.5.5", 3100, 0x1234),
		output: first(client, "1.1.1.1", 4000, 0x1234 + 0x0808 - (4000 - 3100)),
		outcome: "dnat",
	},
	{
		title: "fragments: a later one is translated as its first was",
		...gatewayIngress,
		before: [first(client, "5.5.5.5", 3100, 0x1234)],
		input: later(client, "5.5.5.5"),
		output: later(client, "1.1.1.1"),
		outcome: "dnat",
	},
	{
		title: "fragments: a later one over IPv6 is translated as its first was",
		...gatewayIngress,
		before: [first6("2001:db8:5::5", 3100, 0x1234)],
		input: later6("2001:db8:5::5"),
		output: later6("2001:db8:1::1"),
		outcome: "dnat",
	},
	{
		title: "fragments: a later one of another packet",
		...gatewayIngress,
		before: [first(client, "5.5.5.5", 3100, 0x1234)],
		input: later(client, "5.5.5.5", 8),
		outcome: "fragment-before-first",
	},
	{
		title: "fragments: a first one that nothing matched is not remembered",
		...gatewayIngress,
		before: [first(client, "198.51.100.1", 3100, 0x1234)],
		input: later(client, "198.51.100.1"),
		outcome: "fragment-before-first",
	},
	{
		title: "fragments: the later ones of a packet that does not fit stay here",
		...gatewayEgress,
		onLink: true,
		before: [
			eth()
				.ipv4(client, "1.1.1.1", { id: 7, fragment: DF | MORE })
				.udp(40000, 4000, { length: 4008, checksum: 1 })
				.payload(Buffer.alloc(1472)),
		],
		input: eth()
			.ipv4(client, "1.1.1.1", {
				id: 7,
				fragment: DF | MORE | 185,
				protocol: 17,
			})
			.payload(Buffer.alloc(1480)),
		outcome: "too-big-silent",
	},
	{
		title: "fragments: an IPv6 packet in one fragment is whole",
		...nodeIngress,
		input: eth()
			.ipv6(far6, near6)
			.udp(port, port)
			.gue(tcp6over6, key)
			.ipv6(client6, "2001:db8:1::7")
			.ipv6Fragment(5, 0, false)
			.tcp(40000, 4000),
		output: eth()
			.ipv6(client6, "2001:db8:1::7")
			.ipv6Fragment(5, 0, false)
			.tcp(40000, 4000),
		outcome: "decapsulated",
	},
];
