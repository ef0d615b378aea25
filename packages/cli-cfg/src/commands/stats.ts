import {
	aligned,
	type Context,
	changedCell,
	command,
	looksOf,
	watch,
	watchOptions,
} from "@sluice/cli-kit";
import { type OutcomeCount, readOutcomes } from "@sluice/tunnel";

export const stats = command({
	usage: "stats",
	summary: "Show the packets of each outcome since the programs were attached",
	options: {
		all: { type: "boolean", describe: "Also counters that are 0" },
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
				read: () => readOutcomes(context),
				name: ({ direction, outcome }) => `${direction} ${outcome}`,
				counters: ({ packets }) => ({ packets }),
				always: () => all,
				lines: (rows) =>
					table(
						context,
						["packets", "packets/s", "last change"],
						rows.map((one) => [
							...words(one.row),
							String(one.row.packets),
							String(Math.round(one.rates.packets ?? 0)),
							changedCell(one),
						]),
					),
			});
		const rows = readOutcomes(context).filter((row) => all || row.packets > 0n);
		const total = rows.reduce((sum, row) => sum + row.packets, 0n);
		context.print(
			() =>
				table(
					context,
					["packets"],
					[
						...rows.map((row) => [...words(row), String(row.packets)]),
						["total", "", "", String(total)],
					],
				),
			{ rows, total },
		);
	},
});

const words = ({ direction, outcome, fate }: OutcomeCount) => [
	direction,
	outcome,
	fate,
];

/** Drops are red. */
const table = (
	context: Context,
	counters: readonly string[],
	rows: readonly string[][],
) =>
	aligned(
		[["direction", "outcome", "fate", ...counters], ...rows],
		[false, false, false, ...counters.map(() => true)],
	).map((line, i) =>
		rows[i - 1]?.[2] === "dropped" ? context.red(line) : line,
	);
