import type { Program } from "../command.js";
import type { Context } from "../context.js";
import { badInput } from "../failure.js";
import { counted } from "../output.js";
import type { AnyBulkTables } from "./bulk-tables.js";
import { carryOut } from "./carry-out.js";
import {
	countDifferences,
	countsText,
	differenceLines,
	differenceText,
} from "./difference.js";
import { progress } from "./progress.js";
import { StagedContext } from "./staged-context.js";

export interface Application {
	/** The lines of the file. */
	text: string;
	/** They say all that there is to be: what no line names goes. */
	isAll: boolean;
	/** With `isAll`: also where no line says anything. */
	allowEmpty: boolean;
	/** Print what would be changed, and change nothing. */
	dryRun: boolean;
}

/** Bytes of a file from which on tables are read as a whole: a thousand lines or so. */
const LARGE = 50_000;

/**
 * Checks all lines on staged tables, then changes the kernel's, all under one lock.
 * @throws LineErrors; BpfError: the kernel refused. Nothing was changed.
 */
export function apply(
	program: Program,
	tables: AnyBulkTables,
	{ text, isAll, allowEmpty, dryRun }: Application,
	context: Context,
): void {
	context.locked(() => {
		const staged = new StagedContext(context, isAll || text.length > LARGE);
		const lines = isAll
			? carryOutAll(program, tables, text, staged)
			: carryOut(program, text, staged);
		if (isAll && lines === 0 && !allowEmpty)
			throw badInput(
				"no line sets anything, so all would be deleted",
				"use --allow-empty if that is meant",
			);
		if (dryRun) return printDifference(tables, lines, staged, context);
		const counts = countDifferences(tables, staged);
		if (counts.written + counts.deleted > 0) write(tables, staged);
		staged.warn();
		context.print([`${counted(lines, "line")}: ${countsText(counts)}`], {
			lines,
			...counts,
		});
	});
}

function carryOutAll(
	program: Program,
	tables: AnyBulkTables,
	text: string,
	staged: StagedContext,
): number {
	const restoring = tables.restoring(staged);
	const { set } = tables;
	const lines = carryOut(program, text, staged, ({ spec, parsed }) => {
		if (spec !== set) throw badInput("only set may stand in a restore");
		restoring.line(parsed);
	});
	restoring.end();
	return lines;
}

function write(tables: AnyBulkTables, staged: StagedContext): void {
	const open = tables.order.map((table) => staged.stagedTable(table));
	const told = progress(staged.outer.env, "rows written");
	const flush = () => staged.kernel.flush(open, told);
	if (tables.writing) tables.writing(staged, flush);
	else flush();
	told.end();
}

function printDifference(
	tables: AnyBulkTables,
	lines: number,
	staged: StagedContext,
	context: Context,
): void {
	const differences = differenceLines(tables, staged, context);
	const counts = countDifferences(tables, staged);
	context.print(
		[
			...differences.map(differenceText),
			`${counted(differences.length, "difference")}, not applied: ${countsText(counts)}`,
		],
		{ lines, differences, ...counts },
	);
}
