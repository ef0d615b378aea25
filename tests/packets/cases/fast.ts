import { Address } from "@sluice/maps/address";
import { DF, eth, type Packet, tcpFlags } from "../../helpers/packet.js";
import { type PacketCase, rx, tx } from "../../helpers/packet-case.js";
import type { TunnelTables } from "../../helpers/programs.js";
import { tcp4, tcp4over6, tcp6, tcp6over6, udp4 } from "../services.js";
import { client, client6, far, far6, key, near, near6, port } from "../site.js";

/** A gateway's row for egress, where the translated packet would leave. */
const egress =
	(flags: number) =>
	({ config }: TunnelTables) =>
		config.set(
			{ ifindex: 0, direction: "egress" },
			{ id: 2, flags, name: "gateway" },
		);

const gateway = {
	direction: "ingress",
	flags: rx.dnat | rx.fast,
	tables: egress(tx.proxy | tx.snat | tx.fib),
	onLink: true,
} as const;

const outer4 = eth().ipv4(near, far, { fragment: DF, ttl: 64 }).udp(port, port);
const outer6 = eth().ipv6(near6, far6, { hopLimit: 64 }).udp(port, port);
const hello = (ends: Packet) => ends.tcp(40000, 4000).payload("hello");
const answer = (ends: Packet, source: number) =>
	ends.tcp(source, 40000).payload("hello");

/** A packet to tcp4's proxy, which is sent on in one run with `change`, and otherwise left to the stack. */
const request = (fields = {}) =>
	eth().ipv4(client, tcp4.proxy, fields).tcp(40000, 3100).payload("hello");
const translated = (fields = {}) =>
	hello(eth().ipv4(client, tcp4.backend, fields));
const reply = (fields = {}) =>
	answer(
		eth()
			.ipv4(far, near)
			.udp(port, port)
			.gue(tcp4, key)
			.ipv4(tcp4.backend, client, fields),
		4000,
	);
const stripped = (fields = {}) =>
	answer(eth().ipv4(tcp4.backend, client, fields), 4000);

const mss = (size: number) => Buffer.from([2, 4, size >> 8, size & 0xff]);
const syn = (ends: Packet, to: number, size: number) =>
	ends.tcp(40000, to, { flags: tcpFlags.syn, options: mss(size) });

const sent: PacketCase[] = [
	{
		...gateway,
		title: "fast: a request over IPv4",
		input: request(),
		output: hello(
			outer4.gue(tcp4, key).ipv4(client, tcp4.backend, { ttl: 59 }),
		),
		verdict: "redirect",
		outcome: "dnat",
	},
	{
		...gateway,
		title: "fast: a request by UDP",
		input: eth()
			.ipv4(client, udp4.proxy, { tos: 2 })
			.udp(40000, 3100)
			.payload("hello"),
		output: eth()
			.ipv4(near, far, { fragment: DF, ttl: 64, tos: 2 })
			.udp(port, port)
			.gue(udp4, key)
			.ipv4(client, udp4.backend, { ttl: 59, tos: 2 })
			.udp(40000, 4000)
			.payload("hello"),
		verdict: "redirect",
		outcome: "dnat",
	},
	{
		...gateway,
		title: "fast: a request over IPv6",
		input: eth()
			.ipv6(client6, tcp6over6.proxy)
			.tcp(40000, 3100)
			.payload("hello"),
		output: hello(
			outer6
				.gue(tcp6over6, key)
				.ipv6(client6, tcp6over6.backend, { hopLimit: 59 }),
		),
		verdict: "redirect",
		outcome: "dnat",
	},
	{
		...gateway,
		title: "fast: a request over IPv4 in a tunnel over IPv6",
		input: eth()
			.ipv4(client, tcp4over6.proxy)
			.tcp(40000, 3100)
			.payload("hello"),
		output: hello(
			outer6.gue(tcp4over6, key).ipv4(client, tcp4over6.backend, { ttl: 59 }),
		),
		verdict: "redirect",
		outcome: "dnat",
	},
	{
		...gateway,
		title: "fast: a request over IPv6 in a tunnel over IPv4",
		input: eth().ipv6(client6, tcp6.proxy).tcp(40000, 3100).payload("hello"),
		output: hello(
			outer4.gue(tcp6, key).ipv6(client6, tcp6.backend, { hopLimit: 59 }),
		),
		verdict: "redirect",
		outcome: "dnat",
	},
	{
		...gateway,
		title: "fast: the MSS of a SYN is lowered",
		input: syn(eth().ipv4(client, tcp4.proxy), 3100, 1460),
		output: syn(
			outer4.gue(tcp4, key).ipv4(client, tcp4.backend, { ttl: 59 }),
			4000,
			1408,
		),
		verdict: "redirect",
		outcome: "dnat",
	},
	{
		...gateway,
		title: "fast: a reply over IPv4",
		input: reply(),
		output: answer(eth().ipv4(tcp4.proxy, client, { ttl: 59 }), 3100),
		verdict: "redirect",
		outcome: "decapsulated",
	},
	{
		...gateway,
		title: "fast: a reply over IPv6",
		input: answer(
			eth()
				.ipv6(far6, near6)
				.udp(port, port)
				.gue(tcp6over6, key)
				.ipv6(tcp6over6.backend, client6),
			4000,
		),
		output: answer(
			eth().ipv6(tcp6over6.proxy, client6, { hopLimit: 59 }),
			3100,
		),
		verdict: "redirect",
		outcome: "decapsulated",
	},
	{
		...gateway,
		title: "fast: a reply over IPv4 in a tunnel over IPv6, marked on its way",
		input: answer(
			eth()
				.ipv6(far6, near6, { tos: 3 })
				.udp(port, port)
				.gue(tcp4over6, key)
				.ipv4(tcp4over6.backend, client, { tos: 2 }),
			4000,
		),
		output: answer(
			eth().ipv4(tcp4over6.proxy, client, { ttl: 59, tos: 3 }),
			3100,
		),
		verdict: "redirect",
		outcome: "decapsulated",
	},
];

type Left = Partial<PacketCase> & { title: string };

/** What the stack or egress might treat in another way is left to them. */
const requestsLeft: Left[] = [
	{
		title: "whose last hop this is",
		input: request({ ttl: 1 }),
		output: translated({ ttl: 1 }),
	},
	{
		title: "with IP options",
		input: request({ options: Buffer.from([1, 1, 1, 0]) }),
		output: translated({ options: Buffer.from([1, 1, 1, 0]) }),
	},
	{
		title: "that is a fragment",
		input: request({ fragment: 0x2000, id: 7 }),
		output: translated({ fragment: 0x2000, id: 7 }),
	},
	{
		title: "with padding",
		input: request({ length: 43 }),
		output: translated({ length: 43 }),
	},
	{
		title: "too big for the tunnel",
		input: eth()
			.ipv4(client, tcp4.proxy)
			.tcp(40000, 3100)
			.payload("x".repeat(1409)),
		output: eth()
			.ipv4(client, tcp4.backend)
			.tcp(40000, 4000)
			.payload("x".repeat(1409)),
	},
	{ title: "that came by another way than answers leave", onLink: false },
	{ title: "where egress is not configured", tables: () => {} },
	{ title: "where egress is a node's", tables: egress(tx.fib) },
	{ title: "where egress does not route", tables: egress(tx.proxy | tx.snat) },
	{
		title: "where egress writes events",
		tables: egress(tx.proxy | tx.snat | tx.fib | tx.dump),
	},
	{
		title: "where the ingress writes events",
		flags: rx.dnat | rx.fast | rx.dump,
	},
	{ title: "without the flag", flags: rx.dnat },
	{ title: "of a host that does not forward", forwarding: "lo" },
];

const repliesLeft: Left[] = [
	{
		title: "whose last hop this is",
		input: reply({ ttl: 1 }),
		output: stripped({ ttl: 1 }),
	},
	{
		title: "to a client whose neighbour is not known",
		...toNeighbour("10.1.1.9"),
	},
	{
		title: "where egress does not translate",
		tables: egress(tx.proxy | tx.fib),
	},
	{
		title: "of a service that is on its way out",
		tables: (tables) => {
			gateway.tables(tables);
			tables.nat.delete({
				address: Address.of(tcp4.backend),
				port: tcp4.backendPort,
				proto: 6,
			});
		},
	},
	{ title: "without the flag", flags: rx.dnat },
];

function toNeighbour(address: string) {
	const inner = (packet: Packet) =>
		answer(packet.ipv4(tcp4.backend, address), 4000);
	return {
		input: inner(eth().ipv4(far, near).udp(port, port).gue(tcp4, key)),
		output: inner(eth()),
	};
}

const left = (
	what: string,
	outcome: PacketCase["outcome"],
	input: Packet,
	output: Packet,
	list: readonly Left[],
): PacketCase[] =>
	list.map((one) => ({
		...gateway,
		input,
		output,
		outcome,
		...one,
		title: `fast: left to the stack, a ${what} ${one.title}`,
	}));

export const fast: PacketCase[] = [
	...sent,
	...left("request", "dnat", request(), translated(), requestsLeft),
	...left("reply", "decapsulated", reply(), stripped(), repliesLeft),
];
