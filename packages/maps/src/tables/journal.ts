import { u32 } from "../codec.js";
import type { Table } from "../table.js";

/**
 * A row is 1 while a control program is in the middle of something: whoever finds it so under the lock comes after
 * one that was killed, and puts that right.
 */
export const journalTable: Table<number, number> = {
	name: "map_journal",
	type: "array",
	flags: 0,
	key: u32,
	value: u32,
};

/** Rows of the journal. */
export const journalRows = {
	/** Changing what TABLE-DECAP counts. */
	counting: 0,
	/** Deleting services so that another can have what they hold. */
	takingOver: 1,
} as const;
