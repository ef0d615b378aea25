import { eth } from "../../helpers/packet.js";
import {
	gatewayIngress,
	nodeIngress,
	type PacketCase,
	rx,
} from "../../helpers/packet-case.js";
import { tcp4, tcp4over6, tcp6over6, udp4 } from "../services.js";
import { client, client6, far, far6, key, near, near6, port } from "../site.js";

const tunnel = eth().ipv4(far, near).udp(port, port).gue(tcp4, key);
const tunnel6 = eth().ipv6(far6, near6).udp(port, port).gue(tcp6over6, key);

/** A reply of the service's backend, to an address and port. */
const reply = (to: string, toPort = 40000) =>
	tunnel.ipv4(tcp4.backend, to).tcp(4000, toPort).payload("hello");
const reply6 = (to: string) =>
	tunnel6.ipv6(tcp6over6.backend, to).tcp(4000, 40000).payload("hello");

/** Local addresses of this host, and unused ones. */
const notElsewhere = [
	...["10.1.1.1", "10.1.1.255", "127.0.0.1", "255.255.255.255", "224.0.0.1"],
	...["198.51.100.1", "fd01::1", "::1", "ff02::1", "2001:db8:99::1"],
];

const isIpv6 = (address: string) => address.includes(":");

export const reach: PacketCase[] = [
	{
		title: "reach: a gateway decapsulates what is from the backend",
		...gatewayIngress,
		input: reply(client),
		output: eth().ipv4(tcp4.backend, client).tcp(4000, 40000).payload("hello"),
		outcome: "decapsulated",
	},
	{
		title: "reach: a gateway decapsulates what is from the backend, over IPv6",
		...gatewayIngress,
		input: reply6(client6),
		output: eth()
			.ipv6(tcp6over6.backend, client6)
			.tcp(4000, 40000)
			.payload("hello"),
		outcome: "decapsulated",
	},
	{
		title: "reach: a gateway is one by the egress row, too",
		...nodeIngress,
		tables: ({ config }) =>
			config.set(
				{ ifindex: 0, direction: "egress" },
				{ id: 2, flags: 1, name: "gateway" },
			),
		input: reply(client),
		output: eth().ipv4(tcp4.backend, client).tcp(4000, 40000).payload("hello"),
		outcome: "decapsulated",
	},
	{
		title: "reach: a gateway refuses what is to the backend",
		...gatewayIngress,
		input: tunnel.ipv4(client, tcp4.backend).tcp(40000, 4000),
		outcome: "foreign-inner",
	},
	{
		title: "reach: a node refuses what is from the backend",
		...nodeIngress,
		input: reply(client),
		outcome: "foreign-inner",
	},
	{
		title: "reach: a reply to another service's backend",
		...gatewayIngress,
		input: reply(tcp4over6.backend, 4000),
		outcome: "inner-backend",
	},
	{
		title: "reach: a reply to its own backend",
		...gatewayIngress,
		input: reply(tcp4.backend, 4000),
		outcome: "inner-backend",
	},
	{
		title: "reach: UDP to another service's backend, whatever the flag local",
		direction: "ingress",
		flags: rx.dnat | rx.local,
		input: eth()
			.ipv4(far, near)
			.udp(port, port)
			.gue(udp4, key)
			.ipv4(udp4.backend, udp4.backend)
			.udp(4000, 4000),
		outcome: "inner-backend",
	},
	...notElsewhere.map(
		(to): PacketCase => ({
			title: `reach: a reply to ${to}`,
			direction: "ingress",
			flags: rx.dnat,
			input: isIpv6(to) ? reply6(to) : reply(to),
			outcome: "inner-local",
		}),
	),
	{
		title: "reach: a reply to the gateway, which does not forward",
		...gatewayIngress,
		onLink: true,
		forwarding: "lo",
		input: reply("10.1.1.1"),
		outcome: "inner-local",
	},
	{
		title: "reach: a reply to the gateway, where the flag local allows it",
		direction: "ingress",
		flags: rx.dnat | rx.local,
		input: reply("10.1.1.1"),
		output: eth()
			.ipv4(tcp4.backend, "10.1.1.1")
			.tcp(4000, 40000)
			.payload("hello"),
		outcome: "decapsulated",
	},
	...notElsewhere.map(
		(from): PacketCase => ({
			title: `reach: a ping from ${from} moves nothing`,
			direction: "ingress",
			flags: 0,
			input: isIpv6(from)
				? eth().ipv6(from, near6).udp(61234, port).ping(tcp4over6, key, 106)
				: eth().ipv4(from, near).udp(61234, port).ping(tcp4, key, 100),
			outcome: "ping-source",
		}),
	),
	{
		title: "reach: a ping from 0.0.0.0 moves nothing",
		...nodeIngress,
		input: eth().ipv4("0.0.0.0", near).udp(61234, port).ping(tcp4, key, 100),
		outcome: "ping-source",
	},
	{
		title: "reach: a ping from port 0 moves nothing",
		...nodeIngress,
		input: eth().ipv4("203.0.113.50", near).udp(0, port).ping(tcp4, key, 100),
		outcome: "ping-source",
	},
	{
		title: "reach: a ping from this host moves nothing, without forwarding",
		...nodeIngress,
		onLink: true,
		forwarding: "lo",
		input: eth().ipv4("10.1.1.1", near).udp(61234, port).ping(tcp4, key, 100),
		outcome: "ping-source",
	},
	{
		title: "reach: a ping moves the far end, without forwarding",
		...nodeIngress,
		onLink: true,
		forwarding: "lo",
		input: eth()
			.ipv4("203.0.113.50", near)
			.udp(61234, port)
			.ping(tcp4, key, 100),
		outcome: "ping-learned",
		learned: { tunnel: 100, remote: "203.0.113.50", remotePort: 61234 },
	},
];
