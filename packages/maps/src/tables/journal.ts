import { u32 } from "../codec.js";
import type { Table } from "../table.js";

/**
 * Row 0 is 1 while a control program changes what TABLE-DECAP counts: whoever finds it so under the lock comes after
 * one that was killed, and counts again.
 */
export const journalTable: Table<number, number> = {
	name: "map_journal",
	type: "array",
	flags: 0,
	key: u32,
	value: u32,
};
