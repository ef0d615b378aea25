import {
	captureFile,
	type Filter,
	filterOf,
	filterOptions,
	isSubject,
	subjects,
	unixTime,
	writeOf,
	writeOptions,
} from "@sluice/capture";
import { type Context, command, toJson, values } from "@sluice/cli-kit";
import { outcomes, type PacketEvent } from "@sluice/maps/tables";
import { decode } from "@sluice/tunnel/wire";
import manifest from "../../package.json" with { type: "json" };
import {
	type EventOrigin,
	eventDocument,
	eventLine,
	frameOf,
} from "../event-text.js";
import { readEvents } from "../read-events.js";

/** `SNAPSHOT` of bpf/tunnel/event.h. */
const SNAPSHOT = 2048;

export const dump = command({
	usage: "dump",
	summary:
		"Print packets of rows with the dump flag, before and after the action, until stopped",
	options: { ...writeOptions, ...filterOptions },
	examples: [
		["dump", "Show packets until Ctrl-C"],
		["dump --count 10 --json", "Ten of them, a JSON document each"],
		["dump --reason wrong-key,no-remote", "Only what became one of these"],
		["dump --service 1,2 --client 198.51.100.7", "One client's packets"],
		[
			"dump --write tunnel.pcapng",
			"A capture for Wireshark, with what became of each packet",
		],
		["dump --write - | wireshark -k -i -", "The same, as it happens"],
	],
	parse: (args) => ({
		limit: values.limit("count", args.optional("count")),
		write: writeOf(args),
		filter: filterOf(args, outcomes),
	}),
	async run({ limit, write, filter }, context) {
		const { env, json } = context;
		const originOf = originsOf(context);
		const capture =
			write === undefined
				? undefined
				: captureFile(write, `cli_cfg ${manifest.version}`, SNAPSHOT);
		const show = (event: PacketEvent) =>
			env.out(
				json
					? `${toJson(eventDocument(event, originOf(event)))}\n`
					: `${eventLine(event, originOf(event))}\n`,
			);
		const add = (event: PacketEvent) =>
			capture?.add({
				...event,
				...originOf(event),
				direction: event.direction,
				comment:
					event.outcome === undefined
						? event.stage
						: `${event.stage}: ${event.outcome}`,
			});
		const count = await readEvents(context, limit, {
			wants: wanted(context, filter),
			packet: capture ? add : show,
			lost: (lost) => {
				if (json) env.err(`${toJson({ lost })}\n`);
				else context.warn(`${lost} lost: too many to keep up`);
			},
		}).finally(() => capture?.close());
		if (!json) context.warn(`${count} ${capture ? "written" : "shown"}`);
		else if (capture) env.out(`${toJson({ file: write, packets: count })}\n`);
	},
});

/** Whether the filter lets an event through. Only the packet after the action has an outcome, so --reason shows that one. */
function wanted(
	context: Context,
	filter: Filter,
): (event: PacketEvent) => boolean {
	const { service, tunnel, client, direction, reasons } = filter;
	const isOfSubject =
		service === undefined && tunnel === undefined && client === undefined
			? undefined
			: subjects(context);
	return (event) =>
		(direction === undefined || direction === event.direction) &&
		(reasons === undefined ||
			(event.outcome !== undefined && reasons.includes(event.outcome))) &&
		(isOfSubject === undefined ||
			isSubject(filter, isOfSubject(decode(frameOf(event)))));
}

/** Interface name, direction and wall-clock time of an event. */
function originsOf({ kernel }: Context): (event: PacketEvent) => EventOrigin {
	const timeOf = unixTime(kernel);
	return ({ time, ifindex }) => ({
		interface: kernel.interfaceName(ifindex),
		time: timeOf(time),
	});
}
