import type { Cli } from "../command.js";
import type { Context } from "../context.js";
import type { Env } from "../env.js";
import type { Transaction } from "../transaction.js";
import type { Application } from "./application.js";
import type { AnyBulkTables } from "./bulk-tables.js";
import { carryOut, carryOutAll } from "./carry-out.js";
import { countsOf, differenceLines, printChanges } from "./difference.js";
import { progress } from "./progress.js";
import type { ReadCommand } from "./read-command.js";
import { StagedContext } from "./staged-context.js";

/** Bytes of a file from which on tables are read as a whole: a thousand lines or so. */
const LARGE = 50_000;

/** Bytes of a line, about. */
const LINE = 64;

/**
 * Checks all lines on staged tables, then changes the kernel's, all under one lock. A signal that arrives while they are
 * changed ends the process afterwards.
 *
 * @throws LineErrors; BpfError: the kernel refused. Nothing was changed.
 */
export async function apply(
	cli: Cli,
	tables: AnyBulkTables,
	application: Application,
	context: Context,
): Promise<void> {
	const { text, isAll, dryRun } = application;
	const act = (transaction: Transaction) => {
		const staged = new StagedContext(context, transaction);
		const lines = isAll
			? restore(cli, tables, application, staged, context.env)
			: carryOut(
					cli,
					text,
					context.env,
					(command, line) => run(command, line, staged),
					staged.deferred,
				);
		transaction.stage();
		const counts = countsOf(transaction.tables, tables.derived);
		if (dryRun) {
			const differences = differenceLines(tables, staged);
			return printChanges(context, lines, counts, differences);
		}
		if (counts.written + counts.deleted > 0) write(transaction, context);
		staged.printWarnings();
		printChanges(context, lines, counts);
	};
	await context.transactMany(act, {
		whole: isAll || text.length > LARGE,
		// A restore has read the tables already.
		expected: () => ((isAll ? 2 : 1) * text.length) / LINE,
	});
}

function run(
	{ spec, parsed }: ReadCommand,
	line: number,
	staged: StagedContext,
): void {
	staged.line = line;
	spec.run(parsed, staged);
}

function restore(
	cli: Cli,
	tables: AnyBulkTables,
	application: Application,
	staged: StagedContext,
	env: Env,
): number {
	const restoring = tables.restoring(staged, application.args);
	const lines = carryOutAll(
		cli,
		application,
		env,
		tables.set,
		(command, line) => {
			restoring.line(command.parsed);
			run(command, line, staged);
		},
		staged.deferred,
	);
	restoring.end();
	return lines;
}

function write(transaction: Transaction, { env }: Context): void {
	const written = progress(env, "rows written");
	try {
		transaction.commit(written);
	} finally {
		written.end();
	}
}
