import { eth } from "../../helpers/packet.js";
import {
	gatewayIngress,
	nodeIngress,
	type PacketCase,
	rx,
} from "../../helpers/packet-case.js";
import { tcp4, tcp4over6 } from "../services.js";
import { client, far, far6, key, near, near6, port } from "../site.js";

const inner = (backend: string) => (packet: ReturnType<typeof eth>) =>
	packet.ipv4(client, backend).tcp(40000, 4000).payload("hello");
const tcp = inner(tcp4.backend);
const data = tcp(eth().ipv4(far, near).udp(port, port).gue(tcp4, key));
const request = (frame: ReturnType<typeof eth>, fields = {}) =>
	frame.ipv4(client, tcp4.proxy, fields).tcp(40000, 3100).payload("hello");

/** Frames and packets that the stack would not take as its own. */
export const notOurs: PacketCase[] = [
	...(
		[
			["another host", "020000000099"],
			["a multicast group", "01005e000001"],
			["everybody", "ffffffffffff"],
		] as const
	).flatMap(([who, mac]): PacketCase[] => [
		{
			title: `not ours: a tunnel packet in a frame for ${who}`,
			direction: "ingress",
			flags: 0,
			input: tcp(eth(mac).ipv4(far, near).udp(port, port).gue(tcp4, key)),
			outcome: "other-host",
		},
		{
			title: `not ours: a request in a frame for ${who}`,
			direction: "ingress",
			flags: rx.dnat,
			input: request(eth(mac)),
			outcome: "other-host",
		},
	]),
	{
		title: "checksum: a request with a wrong one of its IP header",
		...gatewayIngress,
		input: request(eth(), { checksum: 0x1234 }),
		outcome: "bad-checksum",
	},
	{
		title: "checksum: a request with options and a wrong one of its IP header",
		...gatewayIngress,
		input: request(eth(), {
			checksum: 0x1234,
			options: Buffer.from("94040000", "hex"),
		}),
		outcome: "bad-checksum",
	},
	{
		title: "checksum: a tunnel packet with a wrong one of its IP header",
		...nodeIngress,
		input: tcp(
			eth()
				.ipv4(far, near, { checksum: 0x1234 })
				.udp(port, port)
				.gue(tcp4, key),
		),
		outcome: "bad-checksum",
	},
	{
		title: "checksum: a tunnel packet with a wrong one of its UDP",
		...nodeIngress,
		input: tcp(
			eth()
				.ipv4(far, near)
				.udp(port, port, { checksum: 0x1234 })
				.gue(tcp4, key),
		),
		outcome: "bad-checksum",
	},
	{
		title: "checksum: a ping with a wrong one of its UDP",
		...nodeIngress,
		input: eth()
			.ipv4(far, near)
			.udp(port, port, { checksum: 0x1234 })
			.ping(tcp4, key, 100),
		outcome: "bad-checksum",
	},
	{
		title: "checksum: a tunnel packet with the right one of its UDP",
		...nodeIngress,
		input: tcp(
			eth()
				.ipv4(far, near)
				.udp(port, port, { checksum: "right" })
				.gue(tcp4, key),
		),
		output: tcp(eth()),
		outcome: "decapsulated",
	},
	{
		title: "checksum: a tunnel packet over IPv6 with the right one of its UDP",
		...nodeIngress,
		input: inner(tcp4over6.backend)(
			eth()
				.ipv6(far6, near6)
				.udp(port, port, { checksum: "right" })
				.gue(tcp4over6, key),
		),
		output: inner(tcp4over6.backend)(eth()),
		outcome: "decapsulated",
	},
	{
		title: "checksum: a tunnel packet without one of its UDP",
		...nodeIngress,
		input: data,
		output: tcp(eth()),
		outcome: "decapsulated",
	},
];
