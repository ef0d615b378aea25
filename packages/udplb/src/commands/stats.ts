import {
	aligned,
	type Context,
	command,
	counted,
	looksOf,
	watch,
	watchOptions,
} from "@sluice/cli-kit";
import { endpointText } from "@sluice/maps/address";
import type { UpstreamCount } from "../counters/counters.js";
import { type InterfaceCounters, readAll } from "../counters/read-all.js";

export const stats = command({
	usage: "stats",
	summary: "Show packets and bytes of each upstream",
	options: {
		interface: {
			type: "string",
			alias: "i",
			describe: "Of one interface [default: of all that are served]",
		},
		...watchOptions,
	},
	examples: [
		["stats", "Packets to each upstream, and what else became of them"],
		["stats --watch", "What goes to the upstreams now"],
	],
	parse: (args) => ({
		device: args.optional("interface"),
		looks: looksOf(args),
	}),
	run({ device, looks }, context) {
		if (looks)
			return watch<UpstreamRow>(context, looks, {
				noun: "upstreams",
				read: () => rowsOf(read(device, context)),
				name: (row) =>
					[row.interface, ...cellsOf(row), row.upstream.address].join(" "),
				counters: ({ packets, bytes }) => ({ packets, bytes }),
				lines: (rows) =>
					table(
						["packets/s", "bytes/s"],
						rows.map(({ row, rates }) => [
							row,
							String(rates.packets),
							String(rates.bytes),
						]),
					),
			});
		const interfaces = read(device, context);
		context.print(interfaces.flatMap(lines), { interfaces });
	},
});

/** One upstream of one interface. */
type UpstreamRow = UpstreamCount & { interface: string };

const read = (device: string | undefined, context: Context) =>
	readAll(context.kernel, context.bpffs, device);

const rowsOf = (interfaces: readonly InterfaceCounters[]): UpstreamRow[] =>
	interfaces.flatMap(({ interface: name, upstreams }) =>
		upstreams.map((one) => ({ interface: name, ...one })),
	);

function lines({
	interface: name,
	outcomes,
	upstreams,
}: InterfaceCounters): string[] {
	const keys = new Set(
		upstreams.map(({ key }) => endpointText(key.address, key.port)),
	);
	return [
		`interface ${name}`,
		...table(
			["packets", "bytes"],
			upstreams.map((one) => [one, String(one.packets), String(one.bytes)]),
		),
		...Object.entries(outcomes)
			.filter(([, count]) => count > 0n)
			.map(([outcome, count]) => `${outcome} ${count}`),
		`${counted(keys.size, "key")}, ${counted(upstreams.length, "upstream")}`,
	];
}

const cellsOf = ({ key, action, upstream, weight }: UpstreamCount) => [
	endpointText(key.address, key.port),
	action,
	endpointText(upstream.address, upstream.port),
	String(weight),
];

const table = (
	header: [string, string],
	rows: readonly [UpstreamCount, string, string][],
) =>
	aligned(
		[
			["key", "action", "upstream", "weight", ...header],
			...rows.map(([one, ...cells]) => [...cellsOf(one), ...cells]),
		],
		[false, false, false, true, true, true],
	);
