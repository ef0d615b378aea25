import { setTimeout as sleep } from "node:timers/promises";
import { type OutcomeCount, readOutcomes } from "@sluice/tunnel";
import type { Check } from "../finding.js";
import { meanings } from "../meanings.js";

/** Counters that rise while this program runs show present faults. */
export const counters: Check = {
	name: "counters",
	async look(world) {
		if (!world.isPinned) return [];
		const { time, counts } = world.firstCounts();
		const { seconds } = world.options;
		await sleep(Math.max(0, time + 1000 * seconds - performance.now()));
		const before = new Map(counts.map((row) => [nameOf(row), row.packets]));
		const waited = (performance.now() - time) / 1000;
		return readOutcomes(world.opener).flatMap((row) => {
			const rise = row.packets - (before.get(nameOf(row)) ?? 0n);
			const meaning = meanings[row.outcome];
			if (rise <= 0n || !meaning) return [];
			const [what, question] = meaning;
			return [
				{
					code: `rising-${row.outcome}`,
					message: `${row.direction}: ${rise} ${rise === 1n ? "packet" : "packets"} in ${waited.toFixed(1)} s: ${what}`,
					question,
				},
			];
		});
	},
};

const nameOf = ({ direction, outcome }: OutcomeCount) =>
	`${direction} ${outcome}`;
