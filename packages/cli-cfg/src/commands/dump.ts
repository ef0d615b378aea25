import {
	badInput,
	type Context,
	command,
	toJson,
	values,
} from "@sluice/cli-kit";
import type { PacketEvent } from "@sluice/maps/tables";
import manifest from "../../package.json" with { type: "json" };
import { captureFile } from "../capture-file.js";
import { eventDocument, eventLine, type Place } from "../event-text.js";
import { readEvents } from "../read-events.js";

export const dump = command({
	usage: "dump",
	summary:
		"Show packets where a row has the dump flag, before and after the action; runs until stopped",
	options: {
		count: { type: "string", describe: "Stop after so many" },
		write: {
			type: "string",
			value: "file",
			describe: "Write a pcapng capture to a file; - is stdout",
		},
	},
	examples: [
		["dump", "Show packets until Ctrl-C"],
		["dump --count 10 --json", "Ten of them, a JSON document each"],
		[
			"dump --write tunnel.pcapng",
			"A capture for Wireshark, with what became of each packet",
		],
		["dump --write - | wireshark -k -i -", "The same, as it happens"],
	],
	parse: (args) => {
		const count = args.optional("count");
		const write = args.optional("write");
		if (write === "-" && args.flag("json"))
			throw badInput("--json and --write - both want stdout");
		return {
			limit:
				count === undefined
					? Number.POSITIVE_INFINITY
					: values.integer("count", count, 1, 0xffff_ffff),
			write,
		};
	},
	async run({ limit, write }, context) {
		const { env, json } = context;
		const place = placer(context);
		const capture =
			write === undefined
				? undefined
				: captureFile(write, `cli_cfg ${manifest.version}`);
		const show = (event: PacketEvent) =>
			env.out(
				json
					? `${toJson(eventDocument(event, place(event)))}\n`
					: `${eventLine(event, place(event))}\n`,
			);
		const count = await readEvents(context, limit, {
			packet: (event) =>
				capture ? capture.add(event, place(event)) : show(event),
			lost: (lost) => {
				if (json) env.err(`${toJson({ lost })}\n`);
				else context.warn(`${lost} lost: too many to keep up`);
			},
		}).finally(() => capture?.close());
		if (!json) context.warn(`${count} ${capture ? "written" : "shown"}`);
		else if (capture) env.out(`${toJson({ file: write, packets: count })}\n`);
	},
});

/** Tells where and when an event was, in words of the world outside the kernel. */
function placer({ kernel }: Context): (event: PacketEvent) => Place {
	const booted =
		BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000)) *
			1000n -
		kernel.nanosecondsSinceBoot();
	return ({ time, ifindex }) => ({
		interface: kernel.interfaceName(ifindex),
		time: booted + time,
	});
}
