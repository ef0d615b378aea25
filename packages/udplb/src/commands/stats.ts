import { setTimeout } from "node:timers/promises";
import { aligned, type Context, command, counted } from "@sluice/cli-kit";
import { endpointText } from "../config.js";
import { type InterfaceCounters, readAll } from "../live.js";

/** Between two looks, in milliseconds. */
const INTERVAL = 1000;
const CLEAR = "\x1b[H\x1b[2J";

export const stats = command({
	usage: "stats",
	summary: "Show what went where",
	options: {
		interface: {
			type: "string",
			alias: "i",
			describe: "Of one interface [default: of all that are served]",
		},
		watch: { type: "boolean", describe: "Again every second, until stopped" },
	},
	examples: [
		["stats", "Packets to each upstream, and what else became of them"],
		["stats --watch --json", "One JSON document a line"],
	],
	parse: (args) => ({
		device: args.optional("interface"),
		watch: args.flag("watch"),
	}),
	async run({ device, watch }, context) {
		print(device, context);
		if (!watch) return;
		const stop = new AbortController();
		for (const signal of ["SIGINT", "SIGTERM"] as const)
			process.once(signal, () => stop.abort());
		while (await pause(stop.signal)) {
			if (context.env.isTerminal && !context.json) context.env.out(CLEAR);
			print(device, context);
		}
	},
});

/** @returns false when it was asked to stop */
async function pause(signal: AbortSignal): Promise<boolean> {
	try {
		await setTimeout(INTERVAL, undefined, { signal });
		return true;
	} catch {
		return false;
	}
}

function print(device: string | undefined, context: Context): void {
	const interfaces = readAll(context.kernel, context.bpffs, device);
	context.print(interfaces.flatMap(lines), { interfaces });
}

function lines({ interface: name, outcomes, upstreams }: InterfaceCounters) {
	const keys = new Set(
		upstreams.map(({ key }) => endpointText(key.address, key.port)),
	);
	return [
		`interface ${name}`,
		...aligned(
			[
				["key", "action", "upstream", "weight", "packets", "bytes"],
				...upstreams.map(
					({ key, action, upstream, weight, packets, bytes }) => [
						endpointText(key.address, key.port),
						action,
						endpointText(upstream.address, upstream.port),
						String(weight),
						String(packets),
						String(bytes),
					],
				),
			],
			[false, false, false, true, true, true],
		),
		...Object.entries(outcomes)
			.filter(([, count]) => count > 0n)
			.map(([outcome, count]) => `${outcome} ${count}`),
		`${counted(keys.size, "key")}, ${counted(upstreams.length, "upstream")}`,
	];
}
