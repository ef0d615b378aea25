import {
	aligned,
	type Context,
	command,
	looksOf,
	watch,
	watchOptions,
} from "@sluice/cli-kit";
import {
	fateOf,
	type Outcome,
	outcomes,
	statsRow,
	statsTable,
} from "@sluice/maps/tables";

/** Packets of one direction that had one outcome. */
interface Row {
	direction: "ingress" | "egress";
	outcome: Outcome;
	/** passed on untouched, done as configured, taken in, or dropped. */
	fate: string;
	packets: bigint;
}

export const stats = command({
	usage: "stats",
	summary: "Show what became of the packets, since the programs were attached",
	options: {
		all: { type: "boolean", describe: "Also what has not happened" },
		...watchOptions,
	},
	examples: [
		["stats --all", "Every outcome, with those that are 0"],
		["stats --watch", "What becomes of the packets now"],
	],
	parse: (args) => ({ all: args.flag("all"), looks: looksOf(args) }),
	run({ all, looks }, context) {
		if (looks)
			return watch(context, looks, {
				noun: "rows",
				read: () => read(context),
				name: ({ direction, outcome }) => `${direction} ${outcome}`,
				counters: ({ packets }) => ({ packets }),
				always: () => all,
				lines: (rows) =>
					table(
						"packets/s",
						rows.map(({ row, rates }) => [
							...words(row),
							String(Math.round(rates.packets ?? 0)),
						]),
					),
			});
		const rows = read(context).filter((row) => all || row.packets > 0n);
		const total = rows.reduce((sum, row) => sum + row.packets, 0n);
		context.print(
			() =>
				table("packets", [
					...rows.map((row) => [...words(row), String(row.packets)]),
					["total", "", "", String(total)],
				]),
			{ rows, total },
		);
	},
});

function read(context: Context): Row[] {
	const packets = new Map<number, bigint>();
	const open = context.openTable(statsTable, { readOnly: true });
	for (const [row, cpus] of open.entries())
		packets.set(
			row,
			cpus.reduce((sum, count) => sum + count, 0n),
		);
	open.close();
	return (["ingress", "egress"] as const).flatMap((direction, queue) =>
		outcomes.map((outcome) => ({
			direction,
			outcome,
			fate: fateOf(outcome),
			packets: packets.get(statsRow(queue, outcome)) ?? 0n,
		})),
	);
}

const words = ({ direction, outcome, fate }: Row) => [direction, outcome, fate];

const table = (counter: string, rows: readonly string[][]) =>
	aligned(
		[["direction", "outcome", "fate", counter], ...rows],
		[false, false, false, true],
	);
