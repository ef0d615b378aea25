import type { Config, ConfigKey } from "@sluice/maps/tables";
import { type Direction, directionIndex } from "@sluice/maps/tables";

/** Selects entries of TABLE-CONFIG; an undefined field matches all. */
interface ConfigSelection {
	/** 0: the entries for every interface. */
	ifindex: number | undefined;
	direction: Direction | undefined;
}

/** The order in which entries are shown: those for every interface first. */
export const rankOfConfig = ({ ifindex, direction }: ConfigKey) =>
	2 * ifindex + directionIndex(direction);

/** The selected entries, in the order in which they are shown. */
export const selectConfig = (
	entries: Iterable<[ConfigKey, Config]>,
	{ ifindex, direction }: ConfigSelection,
): [ConfigKey, Config][] =>
	[...entries]
		.filter(([key]) => ifindex === undefined || key.ifindex === ifindex)
		.filter(([key]) => direction === undefined || key.direction === direction)
		.sort(([a], [b]) => rankOfConfig(a) - rankOfConfig(b));
