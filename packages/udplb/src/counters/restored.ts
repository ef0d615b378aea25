import { lbOutcomes } from "@sluice/maps/tables";
import type { Generation } from "../tables/generation.js";

const FILTER_RESTORED = lbOutcomes.indexOf("filter_restored");

/** Counts that another program had removed the filter, and that it is back. No program in the kernel counts this. */
export function countRestored({ outcomes }: Generation): void {
	const [first = 0n, ...others] = outcomes.get(FILTER_RESTORED) ?? [];
	outcomes.set(FILTER_RESTORED, [first + 1n, ...others]);
}
