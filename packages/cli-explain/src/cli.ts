import { type Cli, command } from "@sluice/cli-kit";
import { tunnelPins } from "@sluice/tunnel";
import manifest from "../package.json" with { type: "json" };
import { explain } from "./explain.js";
import { lines } from "./format.js";
import { questionOf } from "./question.js";

const explanation = command({
	usage: "$0 <source> <destination>",
	summary:
		"Run the attached program on a packet with the present tables, and print the outcome with its reason; nothing is sent, counted or learned",
	positionals: {
		source: "ADDRESS:PORT, an IPv6 address in brackets",
		destination: "ADDRESS:PORT",
	},
	options: {
		dev: { type: "string", describe: "The interface" },
		dir: { type: "string", describe: "ingress or egress" },
		proto: { type: "string", describe: "tcp or udp" },
		size: {
			type: "string",
			describe:
				"Bytes from the IP header on, at most 3500 [default: headers alone]",
		},
		syn: {
			type: "boolean",
			describe: "The first packet of a TCP connection, with an MSS option",
		},
		gue: {
			type: "string",
			describe:
				"SERVICE,GROUP: the packet comes in a tunnel packet of this service",
		},
		ping: {
			type: "string",
			describe:
				"TUNNEL: the packet is a GUE ping for this tunnel, by the service of --gue, or open without it",
		},
		key: {
			type: "string",
			describe: "Key of the tunnel packet, - reads it [default: the service's]",
		},
		outer: {
			type: "string",
			describe:
				"SRC:PORT,DST:PORT of the tunnel packet [default: from the tunnel's remote to its local endpoint]",
		},
		fragment: {
			type: "string",
			describe:
				"first or later: the packet is a fragment; a later one comes after its first",
		},
		icmp: {
			type: "string",
			value: "router",
			describe:
				"ADDRESS: the packet is this router's ICMP error to SOURCE, about a packet to DESTINATION",
		},
		mtu: {
			type: "string",
			describe: "MTU in the ICMP error [default: DESTINATION is unreachable]",
		},
		object: {
			type: "string",
			describe:
				"File that the program was attached from [default: the one that came with this tool, or in SLUICE_BPF_DIR]",
		},
	},
	examples: [
		[
			"--dev eth0 --dir egress --proto tcp 10.0.0.9:40000 5.5.5.5:3100 --syn",
			"What the gateway does with a new connection",
		],
		[
			"--dev eth0 --dir ingress --proto tcp 10.0.0.9:40000 1.1.1.1:80 --gue 1,2",
			"What the node does with it, in its tunnel packet",
		],
		[
			"--dev eth0 --dir egress --proto udp 10.0.0.9:4000 5.5.5.5:53 --size 1480",
			"Whether a large datagram fits",
		],
		[
			"--dev eth0 --dir ingress --proto udp 7.7.7.7:4000 6.6.6.6:6080 --ping 100 --gue 1,2",
			"Whether a ping would be accepted",
		],
		[
			"--dev eth0 --dir ingress --proto tcp 5.5.5.5:3100 10.0.0.9:40000 --icmp 10.9.9.9 --mtu 1300",
			"What the gateway does with a router's ICMP error about a reply",
		],
		[
			"--dev eth0 --dir egress --proto udp 10.0.0.9:4000 1.1.1.1:53 --fragment later",
			"Whether a later fragment follows its first",
		],
	],
	parse: questionOf,
	async run(question, context) {
		const explanation = await explain(question, context);
		context.print(lines(explanation), explanation);
	},
});

/** Explains the outcome of a packet. */
export const cli: Cli = {
	name: "cli_explain",
	summary: "print what would happen to a packet, and why",
	version: manifest.version,
	pins: tunnelPins,
	values: {
		dev: "interface",
		dir: ["ingress", "egress"],
		proto: ["tcp", "udp"],
		fragment: ["first", "later"],
		object: "file",
	},
	commands: [explanation],
};
