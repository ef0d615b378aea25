import {
	captureFile,
	filterOf,
	filterOptions,
	filterValues,
	writeOf,
	writeOptions,
} from "@sluice/capture";
import { type Cli, command, toJson, values } from "@sluice/cli-kit";
import { tunnelPins } from "@sluice/tunnel";
import manifest from "../package.json" with { type: "json" };
import { dropDocument, dropLine } from "./format.js";
import { type Drop, monitorDrops } from "./monitor.js";
import { meaningOf, reasonNames } from "./reasons.js";

const RATE = 100;
/** `DROP_SNAPSHOT` of bpf/monitor/drop.h. */
const SNAPSHOT = 512;

const monitor = command({
	usage: "$0",
	summary:
		"Print packets of the tunnels that our programs or the kernel drop, with the reason, until stopped",
	options: {
		...writeOptions,
		...filterOptions,
		reason: {
			type: "string",
			describe:
				"Only packets with these outcomes, or these drop reasons of the kernel; separated by commas",
		},
		rate: {
			type: "string",
			describe: `Packets per second and CPU, 0 for all; the others are counted [default: ${RATE}]`,
		},
	},
	examples: [
		["", "Show dropped packets until Ctrl-C"],
		["--service 1,2 --client 198.51.100.7", "Those of one client"],
		["--reason wrong-key,IP_RPFILTER", "Those with one of these reasons"],
		["--direction ingress --count 10 --json", "Ten, a JSON document each"],
		[
			"--write drops.pcapng",
			"A capture for Wireshark, with the reason of each packet",
		],
	],
	parse: (args) => ({
		limit: values.limit("count", args.optional("count")),
		write: writeOf(args),
		// The running kernel's reasons are read from its BTF.
		filter: (known: readonly string[]) => filterOf(args, known),
		rate: values.u32("rate", args.optional("rate") ?? String(RATE)),
	}),
	async run({ limit, write, filter, rate }, context) {
		const { env, json } = context;
		const names = reasonNames(context.kernel);
		const chosen = filter(names.all);
		const capture =
			write === undefined
				? undefined
				: captureFile(write, `cli_monitor ${manifest.version}`, SNAPSHOT);
		const explained = new Set<string>();
		const explain = ({ reason }: Drop) => {
			if (json || explained.has(reason)) return;
			explained.add(reason);
			const meaning = meaningOf(reason);
			if (meaning) context.warn(`${reason}: ${meaning}`);
		};
		const show = (drop: Drop) => {
			env.out(json ? `${toJson(dropDocument(drop))}\n` : `${dropLine(drop)}\n`);
			explain(drop);
		};
		const total = await monitorDrops(context, {
			names,
			filter: chosen,
			rate,
			limit,
			started: () => {
				if (!json) context.warn("watching");
			},
			packet: capture
				? (drop) => capture.add({ ...drop, raw: true, comment: drop.reason })
				: show,
			missed: (count, why) => {
				if (json) env.err(`${toJson({ missed: count, why })}\n`);
				else context.warn(`${count} more, ${why}`);
			},
		}).finally(() => capture?.close());
		if (!json) context.warn(`${total} ${capture ? "written" : "shown"}`);
		else if (capture) env.out(`${toJson({ file: write, packets: total })}\n`);
	},
});

/** Dropped packets, without a flag of any row. */
export const cli: Cli = {
	name: "cli_monitor",
	summary: "show the packets that the tunnels and the kernel drop",
	version: manifest.version,
	pins: tunnelPins,
	values: filterValues,
	commands: [monitor],
};
