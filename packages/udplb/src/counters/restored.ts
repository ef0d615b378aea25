import { lbOutcomes } from "@sluice/maps/tables";
import type { Generation } from "../tables/generation.js";

const FILTER_RESTORED = lbOutcomes.indexOf("filter_restored");

/** Counts how often a removed filter was restored. This process is the only one that knows. */
export function countRestored({ outcomes }: Generation): void {
	const [first = 0n, ...others] = outcomes.get(FILTER_RESTORED) ?? [];
	outcomes.set(FILTER_RESTORED, [first + 1n, ...others]);
}
