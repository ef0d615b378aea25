import { type Context, command, toJson, values } from "@sluice/cli-kit";
import type { PacketEvent } from "@sluice/maps/tables";
import { eventDocument, eventLine, type Place } from "../event-text.js";
import { readEvents } from "../read-events.js";

export const dump = command({
	usage: "dump",
	summary:
		"Show packets where a row has the dump flag, before and after the action; runs until stopped",
	options: {
		count: { type: "string", describe: "Stop after so many" },
	},
	examples: [
		["dump", "Show packets until Ctrl-C"],
		["dump --count 10 --json", "Ten of them, a JSON document each"],
	],
	parse: (args) => {
		const count = args.optional("count");
		return count === undefined
			? Number.POSITIVE_INFINITY
			: values.integer("count", count, 1, 0xffff_ffff);
	},
	async run(limit, context) {
		const place = placer(context);
		const show = (event: PacketEvent) =>
			context.json
				? toJson(eventDocument(event, place(event)))
				: eventLine(event, place(event));
		const tell = (text: string, document: unknown) =>
			context.env.err(
				context.json ? `${toJson(document)}\n` : `cli_cfg: dump: ${text}\n`,
			);
		const count = await readEvents(context, limit, {
			packet: (event) => context.env.out(`${show(event)}\n`),
			lost: (lost) => tell(`${lost} lost: too many to keep up`, { lost }),
		});
		if (!context.json) tell(`${count} shown`, undefined);
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
