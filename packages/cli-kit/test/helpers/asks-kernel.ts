import { u32 } from "@sluice/maps/codec";
import type { Table } from "@sluice/maps/table";
import { tunnelPins } from "@sluice/tunnel";
import { type Cli, command } from "../../src/index.js";

const nothing: Table<number, number> = {
	name: "map_nothing",
	type: "array",
	flags: 0,
	key: u32,
	value: u32,
};

/** A program that opens a table that is not pinned. */
export const arrayOfNothing: Cli = {
	name: "asks",
	summary: "ask for a table",
	version: "1",
	pins: tunnelPins,
	commands: [
		command({
			usage: "ask",
			summary: "Open it",
			parse: () => undefined,
			run: (_, context) => void context.openTable(nothing),
		}),
		command({
			usage: "change",
			summary: "Take the lock",
			parse: () => undefined,
			run: (_, context) => context.locked(() => {}),
		}),
	],
};
