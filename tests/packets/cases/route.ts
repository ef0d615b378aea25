import { DF, eth } from "../../helpers/packet.js";
import {
	gatewayEgress,
	type PacketCase,
	tx,
} from "../../helpers/packet-case.js";
import { nowhere, routed, unresolved } from "../services.js";
import { client, key, port } from "../site.js";

const flags = tx.proxy | tx.fib;

/** `link0` of the test's namespace, and the neighbour that is known there. */
const onLink = eth("020000000102", "020000000101");

const request = (destination: string, frame = eth()) =>
	frame.ipv4(client, destination).tcp(40000, 4000).payload("hello");

/** What is written into the frame does not matter where the kernel writes it again. */
const inTunnel = (frame: typeof onLink, remote: string, sid: typeof routed) =>
	frame
		.ipv4("10.1.1.1", remote, { fragment: DF, ttl: 64 })
		.udp(port, port)
		.gue(sid, key)
		.ipv4(client, sid.backend)
		.tcp(40000, 4000)
		.payload("hello");

export const route: PacketCase[] = [
	{
		title: "route: the frame goes to the next hop of the outer packet already",
		direction: "egress",
		flags,
		onLink: true,
		input: request(routed.backend, onLink),
		output: inTunnel(onLink, "10.1.1.2", routed),
		outcome: "encapsulated",
	},
	{
		title: "route: to another next hop on this interface",
		direction: "egress",
		flags,
		onLink: true,
		input: request(routed.backend),
		output: inTunnel(eth(), "10.1.1.2", routed),
		verdict: "redirect",
		outcome: "encapsulated",
	},
	{
		title: "route: out of another interface",
		direction: "egress",
		flags,
		input: request(routed.backend),
		output: inTunnel(eth(), "10.1.1.2", routed),
		verdict: "redirect",
		outcome: "encapsulated",
	},
	{
		title: "route: the kernel asks for a neighbour that is not known",
		direction: "egress",
		flags,
		onLink: true,
		input: request(unresolved.backend),
		output: inTunnel(eth(), "10.1.1.3", unresolved),
		verdict: "redirect",
		outcome: "encapsulated",
	},
	{
		title: "route: none to the far end",
		direction: "egress",
		flags,
		input: request(nowhere.backend),
		outcome: "no-route",
	},
	{
		title:
			"route: a host that forwards nowhere but on lo looks it up from there",
		direction: "egress",
		flags,
		forwarding: "lo",
		input: request(routed.backend),
		output: inTunnel(eth(), "10.1.1.2", routed),
		verdict: "redirect",
		outcome: "encapsulated",
	},
	{
		title: "route: a host that forwards nowhere at all looks none up",
		direction: "egress",
		flags,
		onLink: true,
		forwarding: false,
		input: request(routed.backend),
		outcome: "no-route",
	},
	{
		title: "route: without fib the frame goes where it was going",
		...gatewayEgress,
		input: request(unresolved.backend),
		output: inTunnel(eth(), "10.1.1.3", unresolved),
		outcome: "encapsulated",
	},
];
