import { aligned, command } from "@sluice/cli-kit";
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
	},
	examples: [["stats --all", "Every outcome, with those that are 0"]],
	parse: (args) => args.flag("all"),
	run(all, context) {
		const packets = new Map<number, bigint>();
		const table = context.openTable(statsTable, { readOnly: true });
		for (const [row, cpus] of table.entries())
			packets.set(
				row,
				cpus.reduce((sum, count) => sum + count, 0n),
			);
		const rows = (["ingress", "egress"] as const)
			.flatMap((direction, queue) =>
				outcomes.map(
					(outcome): Row => ({
						direction,
						outcome,
						fate: fateOf(outcome),
						packets: packets.get(statsRow(queue, outcome)) ?? 0n,
					}),
				),
			)
			.filter((row) => all || row.packets > 0n);
		const total = rows.reduce((sum, row) => sum + row.packets, 0n);
		context.print(() => lines(rows, total), { rows, total });
	},
});

const lines = (rows: readonly Row[], total: bigint) =>
	aligned(
		[
			["direction", "outcome", "fate", "packets"],
			...rows.map(({ direction, outcome, fate, packets }) => [
				direction,
				outcome,
				fate,
				String(packets),
			]),
			["total", "", "", String(total)],
		],
		[false, false, false, true],
	);
