import {
	type Context,
	command,
	counted,
	toJson,
	values,
} from "@sluice/cli-kit";
import { endpointText } from "@sluice/maps/address";
import type { PingAnswer } from "@sluice/tunnel/wire";
import { remoteDocument } from "../format.js";
import type { Ping, PingListener } from "../pinger.js";
import { readTargets } from "../targets.js";
import { idOrAll } from "./get.js";

const DEFAULT_INTERVAL = 10;

export const ping = command({
	usage: "ping <id>|all",
	summary:
		"Send GUE pings, so that the far end learns this end's address; runs until stopped",
	positionals: { id: "Tunnel id, 0 to 4294967295, or all" },
	options: {
		interval: {
			type: "string",
			describe: `Seconds between two pings of a tunnel, 0.01 or more [default: ${DEFAULT_INTERVAL}]`,
		},
		count: {
			type: "string",
			describe:
				"Stop after so many pings of each tunnel; fails where a tunnel that is signed for has not answered",
		},
		open: {
			type: "boolean",
			describe: "Without a key: the far end must have its open-ping flag set",
		},
	},
	examples: [
		["ping 100 --count 1", "Tell the far end of tunnel 100 once"],
		["ping all --interval 5", "Keep every tunnel's NAT mapping open"],
	],
	parse: (args) => ({
		id: idOrAll(args.text("id")),
		interval: values.seconds(
			"interval",
			args.optional("interval") ?? String(DEFAULT_INTERVAL),
		),
		count: countOf(args.optional("count")),
		open: args.flag("open"),
	}),
	async run({ id, interval, count, open }, context) {
		// Loaded here: the other commands have no use for sockets, which are slow to load.
		const { Pinger } = await import("../pinger.js");
		const listener = listenerOf(context);
		const pinger = new Pinger(
			{
				interval,
				count,
				stopped: context.env.stopped?.(),
				now: () => context.kernel.nanosecondsTai(),
				read: () => readTargets(context, id, open),
			},
			listener,
		);
		const { sent, answered } = await pinger.run();
		if (sent === 0) return;
		listener.line(
			`${counted(sent, "ping")}, ${answered} answered, ${Math.round((100 * (sent - answered)) / sent)} % lost`,
			{ sent, answered },
		);
	},
});

const countOf = (text: string | undefined) =>
	text === undefined
		? Number.POSITIVE_INFINITY
		: values.integer("count", text, 1, 0xffff_ffff);

/** Prints a line a ping. Who reads it may go away; the pings go on. */
function listenerOf(
	context: Context,
): PingListener & { line(text: string, document: object): void } {
	let isClosed = false;
	const line = (text: string, document: object) => {
		if (isClosed) return;
		try {
			context.env.out(`${context.json ? toJson(document) : text}\n`);
		} catch {
			isClosed = true;
		}
	};
	return {
		line,
		sent: (ping) => line(pingText(ping), pingDocument(ping)),
		answered: (ping, answer, ms) =>
			line(`${pingText(ping)}\t${ms.toFixed(1)} ms\t${seenText(answer)}`, {
				...pingDocument(ping),
				answered: true,
				milliseconds: Number(ms.toFixed(3)),
				seenAs: { address: answer.address, port: answer.port },
				result: answer.result,
			}),
		lost: (ping) =>
			line(`${pingText(ping)}\tno answer`, {
				...pingDocument(ping),
				answered: false,
			}),
		failed: ({ message }) => context.warn(message),
	};
}

const pingText = ({ target: { id, to }, number }: Ping) =>
	`PING\t${String(id).padStart(8)}\t${to}\t${number}`;

const pingDocument = ({ target: { id, tunnel }, number }: Ping) => ({
	tunnel: id,
	to: remoteDocument(tunnel),
	number,
});

const results = {
	heard: "",
	moved: ", moved there",
	challenged: ", not moved",
} as const;

/** "seen as 192.0.2.7:6080, moved there" */
const seenText = ({ address, port, result }: PingAnswer) =>
	`seen as ${endpointText(address, port)}${results[result]}`;
