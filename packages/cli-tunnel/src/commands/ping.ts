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
import { keepPathMtu } from "../path-mtu.js";
import type { Ping, PingListener } from "../pinger.js";
import { readTargets, type Target } from "../targets.js";
import { idOrAll } from "./get.js";

const DEFAULT_INTERVAL = 10;

export const ping = command({
	usage: "ping <id>|all",
	summary:
		"Send GUE pings until stopped, so that the far end learns this end's address",
	positionals: { id: "Tunnel id, 0 to 4294967295, or all" },
	options: {
		interval: {
			type: "string",
			describe: `Seconds between two pings of a tunnel, 0.01 or more [default: ${DEFAULT_INTERVAL}]`,
		},
		count: {
			type: "string",
			describe:
				"Stop after N pings of each tunnel; fails if a signed tunnel has not answered",
		},
		mtu: {
			type: "boolean",
			describe:
				"Measure the MTU of the path with padded pings, also where no ICMP comes back; needs a signing key",
		},
		open: {
			type: "boolean",
			describe: "Without a key; the far end needs the flag open-ping",
		},
	},
	examples: [
		["ping 100 --count 1", "One ping to the far end of tunnel 100"],
		["ping all --interval 5", "Keep every tunnel's NAT mapping open"],
		["ping 100 --count 1 --mtu", "Measure the MTU of the path to the far end"],
	],
	parse: (args) => ({
		id: idOrAll(args.text("id")),
		interval: values.seconds(
			"interval",
			args.optional("interval") ?? String(DEFAULT_INTERVAL),
		),
		count: values.limit("count", args.optional("count")),
		mtu: args.flag("mtu"),
		open: args.flag("open"),
	}),
	async run({ id, interval, count, mtu, open }, context) {
		// Loaded here: the other commands have no use for sockets, which are slow to load.
		const { Pinger } = await import("../pinger.js");
		const listener = listenerOf(context);
		const pinger = new Pinger(
			{
				interval,
				count,
				mtu,
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

/** Prints a line per ping. The pings continue if the reader of the lines is gone. */
function listenerOf(
	context: Context,
): PingListener & { line(text: string, document: object): void } {
	let isClosed = false;
	const warned = new Set<number>();
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
		answered(ping, { answer, ms, clock }) {
			line(
				[
					pingText(ping),
					`${ms.toFixed(1)} ms`,
					seenText(answer),
					`clock ${signed(clock)} s`,
				].join("\t"),
				{
					...pingDocument(ping),
					answered: true,
					milliseconds: Number(ms.toFixed(3)),
					seenAs: { address: answer.address, port: answer.port },
					result: answer.result,
					clockDifference: Number(clock.toFixed(3)),
				},
			);
			const { id } = ping.target;
			if (Math.abs(clock) < CLOCKS_APART || warned.has(id)) return;
			warned.add(id);
			context.warn(
				`tunnel ${id}: the clock of the far end (CLOCK_TAI) differs by ${signed(clock)} s; more than 60 s and no signed ping is taken: synchronise both clocks; where it is 37 s, one host does not have the offset of TAI, which chrony sets ("leapsectz right/UTC"), or "adjtimex --tai 37"`,
			);
		},
		measured(target, mtu, most) {
			keepPathMtu(context, target, mtu < most ? mtu : undefined);
			line(`${nameText(target)}\tpath MTU ${mtu}`, {
				tunnel: target.id,
				to: remoteDocument(target.tunnel),
				pathMtu: mtu,
			});
		},
		lost: (ping) =>
			line(`${pingText(ping)}\tno answer`, {
				...pingDocument(ping),
				answered: false,
			}),
		failed: ({ message }) => context.warn(message),
	};
}

/** Seconds that two clocks may differ before it is reported. */
const CLOCKS_APART = 2;

const signed = (seconds: number) =>
	`${seconds < 0 ? "" : "+"}${seconds.toFixed(3)}`;

const nameText = ({ id, to }: Target) =>
	`PING\t${String(id).padStart(8)}\t${to}`;

const pingText = ({ target, number }: Ping) => `${nameText(target)}\t${number}`;

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
