import type { Args } from "../command.js";
import type { Context } from "../context.js";
import type { EachRow } from "../print-long.js";
import { rankOfMany } from "../young-generation.js";
import type { AnyBulkTables } from "./bulk-tables.js";
import { lineOf } from "./words.js";

/** The lines that recreate the state. */
export function savedLines(
	tables: AnyBulkTables,
	args: Args,
	context: Context,
): EachRow<string> {
	const { rank, setWords, setOptions } = tables;
	const how = tables.saveHow?.(args);
	const open = context.openTable(tables.table, { readOnly: true });
	return (line) =>
		open.forEach((key, value) => {
			line(
				lineOf(
					setWords(key, value, context, how),
					setOptions?.(key, context, false),
				),
			);
		}, rankOfMany(rank));
}
