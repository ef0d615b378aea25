import { lbOutcomes } from "@sluice/maps/tables";
import type { Generation } from "../tables/generation.js";

const EVENTS_LOST = lbOutcomes.indexOf("events_lost");

/** Decisions lost because the ring buffer was full. */
export const lostEvents = ({ outcomes }: Generation): bigint =>
	(outcomes.get(EVENTS_LOST) ?? []).reduce((sum, count) => sum + count, 0n);
