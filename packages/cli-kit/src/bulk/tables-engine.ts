import { apply } from "./apply.js";
import type { AnyBulkTables } from "./bulk-tables.js";
import type { Engine } from "./engine.js";
import { lineOf } from "./words.js";

/** The engine of a program whose commands use tables through the context alone. */
export const tablesEngine = (tables: AnyBulkTables): Engine => ({
	apply: (program, application, context) =>
		apply(program, tables, application, context),
	save(context, args) {
		const { table, rank, setWords, setOptions } = tables;
		const how = tables.saveHow?.(args);
		const open = context.openTable(table, { readOnly: true });
		const lines: string[] = [];
		open.forEach((key, value) => {
			lines.push(
				lineOf(
					setWords(key, value, context, how),
					setOptions?.(key, context, false),
				),
			);
		}, rank);
		return lines;
	},
	...(tables.saveNote === undefined ? {} : { saveNote: tables.saveNote }),
	...(tables.restoreOptions ? { restoreOptions: tables.restoreOptions } : {}),
	...(tables.saveOptions ? { saveOptions: tables.saveOptions } : {}),
});
