import type { Config, ConfigKey } from "@sluice/maps/tables";

/** Which entries of TABLE-CONFIG are meant; what is undefined is not looked at. */
interface ConfigSelection {
	/** 0: the entries for every interface. */
	ifindex: number | undefined;
	/** 0 ingress, 1 egress. */
	queue: number | undefined;
}

/** The order in which entries are shown: those for every interface first. */
export const rankOfConfig = ({ ifindex, queue }: ConfigKey) =>
	2 * ifindex + queue;

/** The selected entries, in the order in which they are shown. */
export const selectConfig = (
	entries: Iterable<[ConfigKey, Config]>,
	{ ifindex, queue }: ConfigSelection,
): [ConfigKey, Config][] =>
	[...entries]
		.filter(([key]) => ifindex === undefined || key.ifindex === ifindex)
		.filter(([key]) => queue === undefined || key.queue === queue)
		.sort(([a], [b]) => rankOfConfig(a) - rankOfConfig(b));
