import { command, values } from "@sluice/cli-kit";
import { keyBitsOf } from "@sluice/maps/tables";
import { type Binding, bindingJson, matchOf } from "../binding/binding.js";
import { prefix, prefixText } from "../binding/prefix.js";
import type { Answer } from "../state/who.js";
import { openToRead } from "./open.js";

export const who = command({
	usage: "who <protocol> <ip> <port>",
	summary: "Show the binding and socket of a packet, and the reason",
	positionals: {
		protocol: "tcp or udp",
		ip: "The packet's destination",
		port: "The packet's destination port",
	},
	examples: [["who tcp 127.0.0.23 4321", "what a connection would reach"]],
	parse: (args) => ({
		protocol: values.protocol("protocol", args.text("protocol")),
		host: prefix("ip", String(values.address("ip", args.text("ip")))),
		port: values.integer("port", args.text("port"), 1, 65_535),
	}),
	async run({ protocol, host, port }, context) {
		const { who } = await import("../state/who.js");
		const { cookieText } = await import("../state/sockets.js");
		const tables = openToRead(context);
		const answer = who(tables, protocol, host, port);
		tables.close();
		const socket = answer.socket ? cookieText(answer.socket) : undefined;
		const [winner] = answer.matches;
		context.print(explain(answer, socket), {
			verdict: winner ? (socket ? "socket" : "drop") : "pass",
			binding: winner ? bindingJson(winner) : null,
			socket: socket ?? null,
			passedBy: answer.matches.slice(1).map((loser) => ({
				...bindingJson(loser),
				why: whyNot(loser, winner as Binding),
			})),
		});
	},
});

function explain({ matches }: Answer, socket: string | undefined): string[] {
	const [winner, ...losers] = matches;
	if (!winner)
		return [
			"no binding matches: the kernel looks a socket up as if there were no dispatcher",
		];
	const { label } = winner;
	const { protocol, prefix: subnet } = matchOf(winner.key);
	return [
		`binding ${bindingLine(winner)} leads to ${label}`,
		socket
			? `socket ${socket} gets it`
			: `dropped: no ${subnet.domain} ${protocol} socket is registered for ${label}`,
		...losers.map(
			(loser) =>
				`passed by: ${bindingLine(loser)}, which leads to ${loser.label}: ${whyNot(loser, winner)}`,
		),
	];
}

const whyNot = (loser: Binding, winner: Binding) =>
	keyBitsOf(loser.key) < keyBitsOf(winner.key)
		? "a shorter prefix"
		: "every port, where the other names this one";

function bindingLine({ key }: Binding): string {
	const { protocol, prefix: subnet, port } = matchOf(key);
	return `${protocol} ${prefixText(subnet)} ${port === 0 ? "every port" : `port ${port}`}`;
}
