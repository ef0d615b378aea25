import type { Program } from "../command.js";
import type { Context } from "../context.js";
import type { AnyBulkTables } from "./bulk-tables.js";
import { carryOut, carryOutAll } from "./carry-out.js";
import {
	countDifferences,
	differenceLines,
	printChanges,
} from "./difference.js";
import type { Application } from "./engine.js";
import { progress } from "./progress.js";
import type { ReadCommand } from "./read-command.js";
import { StagedContext } from "./staged-context.js";

/** Bytes of a file from which on tables are read as a whole: a thousand lines or so. */
const LARGE = 50_000;

/** Bytes of a line, about. */
const LINE = 64;

/**
 * Checks all lines on staged tables, then changes the kernel's, all under one lock.
 * @throws LineErrors; BpfError: the kernel refused. Nothing was changed.
 */
export function apply(
	program: Program,
	tables: AnyBulkTables,
	application: Application,
	context: Context,
): void {
	const { text, isAll, dryRun } = application;
	context.locked(() => {
		const staged = new StagedContext(
			context,
			isAll || text.length > LARGE,
			text.length / LINE,
		);
		const act = ({ spec, parsed }: ReadCommand) => spec.run(parsed, staged);
		const lines = isAll
			? restore(program, tables, application, staged, act)
			: carryOut(program, text, context.env, act);
		const counts = countDifferences(tables, staged);
		if (dryRun) {
			const differences = differenceLines(tables, staged, context);
			return printChanges(context, lines, counts, differences);
		}
		if (counts.written + counts.deleted > 0) write(tables, staged);
		staged.printWarnings();
		printChanges(context, lines, counts);
	});
}

function restore(
	program: Program,
	tables: AnyBulkTables,
	application: Application,
	staged: StagedContext,
	act: (command: ReadCommand) => void,
): number {
	const restoring = tables.restoring(staged);
	const { env } = staged.outer;
	const lines = carryOutAll(
		program,
		application,
		env,
		tables.set,
		(command) => {
			restoring.line(command.parsed);
			act(command);
		},
	);
	restoring.end();
	return lines;
}

function write(tables: AnyBulkTables, staged: StagedContext): void {
	const open = tables.order.map((table) => staged.stagedTable(table));
	const told = progress(staged.outer.env, "rows written");
	const flush = () => staged.kernel.flush(open, told);
	try {
		if (tables.writing) tables.writing(staged, flush);
		else flush();
	} finally {
		told.end();
	}
}
