import { sumOfCpus } from "@sluice/maps/codec";
import {
	type Direction,
	directions,
	type Fate,
	fateOf,
	type Outcome,
	outcomes,
	statsRow,
	statsTable,
} from "@sluice/maps/tables";
import type { Opener } from "./tables.js";

/** Packets of one direction with one outcome, since the programs were attached. */
export interface OutcomeCount {
	direction: Direction;
	outcome: Outcome;
	fate: Fate;
	packets: bigint;
}

/** Every outcome of both directions, also those that are 0. @throws BpfError as `Opener.openTable`. */
export function readOutcomes(opener: Opener): OutcomeCount[] {
	const table = opener.openTable(statsTable, { readOnly: true });
	const packets = new Map(table.entries());
	table.close();
	return directions.flatMap((direction) =>
		outcomes.map((outcome) => ({
			direction,
			outcome,
			fate: fateOf(outcome),
			packets: sumOfCpus(packets.get(statsRow(direction, outcome))),
		})),
	);
}
