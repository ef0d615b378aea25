import {
	aligned,
	type Context,
	command,
	looksOf,
	watch,
	watchOptions,
} from "@sluice/cli-kit";
import { type OutcomeCount, readOutcomes } from "@sluice/tunnel";

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
				read: () => readOutcomes(context),
				name: ({ direction, outcome }) => `${direction} ${outcome}`,
				counters: ({ packets }) => ({ packets }),
				always: () => all,
				lines: (rows) =>
					table(
						context,
						"packets/s",
						rows.map(({ row, rates }) => [
							...words(row),
							String(Math.round(rates.packets ?? 0)),
						]),
					),
			});
		const rows = readOutcomes(context).filter((row) => all || row.packets > 0n);
		const total = rows.reduce((sum, row) => sum + row.packets, 0n);
		context.print(
			() =>
				table(context, "packets", [
					...rows.map((row) => [...words(row), String(row.packets)]),
					["total", "", "", String(total)],
				]),
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
const table = (context: Context, counter: string, rows: readonly string[][]) =>
	aligned(
		[["direction", "outcome", "fate", counter], ...rows],
		[false, false, false, true],
	).map((line, i) =>
		rows[i - 1]?.[2] === "dropped" ? context.red(line) : line,
	);
