import type { AnyStagedTable, Difference } from "@sluice/maps";
import type { Context } from "../context.js";
import { counted } from "../output.js";
import type { AnyBulkTables } from "./bulk-tables.js";
import type { StagedContext } from "./staged-context.js";
import { lineOf } from "./words.js";

/** How many rows of each table will be other than they were. */
export interface Counts {
	/** Added or changed. */
	written: number;
	deleted: number;
	/** By the name of the table; those that stay are left out. */
	tables: Record<string, { added: number; changed: number; deleted: number }>;
}

/** Of all tables but counters. @param derived names of other tables whose rows are not counted */
export function countsOf(
	tables: readonly Pick<AnyStagedTable, "name" | "counts" | "isCounter">[],
	derived: readonly string[] = [],
): Counts {
	const counts: Counts = { written: 0, deleted: 0, tables: {} };
	for (const table of tables) {
		// Counters are deleted with their row.
		if (table.isCounter || derived.includes(table.name)) continue;
		const { added, changed, deleted } = table.counts;
		if (added + changed + deleted === 0) continue;
		counts.written += added + changed;
		counts.deleted += deleted;
		counts.tables[table.name] = { added, changed, deleted };
	}
	return counts;
}

const countsText = ({ written, deleted }: Counts) =>
	`${counted(written, "row")} written, ${deleted} deleted`;

/** One line of the difference that a restore would write. */
interface DifferenceLine {
	change: "add" | "change" | "delete";
	/** The command that makes it so. */
	line: string;
}

/**
 * What will be other than it was, as the commands that make it so: adds and changes, then deletes, each in the order of
 * `save`. The kernel's own order is another in every map.
 */
export function differenceLines(
	tables: AnyBulkTables,
	staged: StagedContext,
): DifferenceLine[] {
	const { shown = (words) => words } = tables;
	const sets: DifferenceLine[] = [];
	const dels: DifferenceLine[] = [];
	for (const { key, before, after } of differencesOf(tables, staged))
		if (after === undefined)
			dels.push({
				change: "delete",
				line: lineOf(tables.delWords(key, staged, before)),
			});
		else
			sets.push({
				change: before === undefined ? "add" : "change",
				line: lineOf(
					shown(tables.setWords(key, after, staged), staged),
					tables.setOptions?.(key, staged, true),
				),
			});
	return [...sets, ...dels];
}

/** By rank: entries that differ, and those of which a table beside differs. */
function differencesOf(
	{ table, beside = [], rank }: AnyBulkTables,
	staged: StagedContext,
): Difference<unknown, unknown>[] {
	const main = staged.openTable(table);
	const found = new Map(
		[...main.differences()].map((one) => [rank(one.key), one]),
	);
	for (const other of beside)
		for (const { key } of staged.openTable(other).differences()) {
			const value = main.get(key);
			if (value !== undefined && !found.has(rank(key)))
				found.set(rank(key), { key, before: value, after: value });
		}
	return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
}

const marks = { add: "+", change: "~", delete: "-" } as const;

const differenceText = ({ change, line }: DifferenceLine) =>
	`${marks[change]} ${line}`;

/** Prints what a batch has done, or would do: then with the lines that would do it. */
export function printChanges(
	context: Context,
	lines: number,
	counts: Counts,
	differences?: readonly DifferenceLine[],
): void {
	const text = differences
		? [
				...differences.map(differenceText),
				`${counted(differences.length, "difference")}, not applied: ${countsText(counts)}`,
			]
		: [`${counted(lines, "line")}: ${countsText(counts)}`];
	context.print(text, {
		lines,
		...(differences ? { differences } : {}),
		...counts,
	});
}
