import { type Context, keepHeapSmall, type Transaction } from "@sluice/cli-kit";
import type { AnyTable } from "@sluice/maps/table";
import { type Applied, natTable } from "@sluice/maps/tables";
import {
	lastApplied,
	openApplied,
	recordApplied,
	versionOf,
} from "./applied.js";
import { performChangedRows } from "./changed-rows.js";
import { differencesOf } from "./differences.js";
import { contentDigest, documentDigest, fileDigest } from "./digest.js";
import { hasKeyFiles } from "./document/keys.js";
import { type ReadMachine, readMachine } from "./document/read.js";
import { isAsApplied } from "./drift.js";
import { checkDeletes, checkEmpty } from "./guards.js";
import { keepText } from "./last-text.js";
import type { Input, Options, Result } from "./options.js";
import { plan } from "./plan.js";
import { rowsDigest } from "./rows-digest.js";
import { isInDoubt, Stage } from "./stage.js";
import { warningsOf } from "./warnings.js";

/** Bytes of a document from which on its memory counts. */
const LARGE = 1_000_000;

/**
 * Makes the kernel's tables what a document says, under one lock: reads, checks and plans all of it before it changes
 * anything, and records the generation last.
 *
 * @throws Failure usage: the document is wrong, or refused; nothing was changed
 * @throws BpfError the kernel refused: the tables are as they were
 */
export function perform(
	input: Input,
	options: Options,
	context: Context,
): Result {
	const file = fileDigest(input.bytes);
	const done =
		unchanged(input, file, options, context) ??
		performChangedRows(input, file, options, context);
	if (done) return done;
	if (input.bytes.length > LARGE) keepHeapSmall();
	const document = readMachine(input.file, input.bytes);
	return performDocument(document, file, options, context);
}

/**
 * As `perform`, of a document that was read.
 * @param file SHA-256 of the file
 */
export function performDocument(
	document: ReadMachine,
	file: Buffer,
	options: Options,
	context: Context,
): Result {
	const { machine } = document;
	if (options.generation !== undefined) machine.generation = options.generation;
	const { only, dryRun, guarded, content } = options;
	if (guarded) checkEmpty(machine, options.allowEmpty);
	const record = openApplied(context);
	const services = machine.services.length;
	const rows = Math.max(machine.tunnels.length, services);
	const expected = (table: AnyTable) =>
		table === natTable ? 2 * services : rows;
	const digest = (salt: Buffer) =>
		content ? contentDigest(content, salt) : documentDigest(machine, salt);
	const act = (transaction: Transaction): Result => {
		const version = guarded
			? versionOf({ ...machine, digest }, only, lastApplied(record), options)
			: undefined;
		const warnings = warningsOf(machine);
		const stage = new Stage(transaction);
		plan(stage, document, only, context);
		if (guarded) checkDeletes(stage.deletions(), options.mostDeletes);
		const counts = stage.counts();
		if (version && !dryRun) {
			stage.write();
			recordApplied(record, {
				generation: version.generation,
				time: BigInt(Math.floor(Date.now() / 1000)),
				salt: version.salt,
				file,
				document: version.document,
				...rowsDigest(context, only, version.salt, (table) =>
					stage.openTable(table).batches(),
				),
				owner: machine.name,
				only: only.text,
			});
			keepText(context, file, document.json);
		}
		return {
			...counts,
			generation: version?.generation,
			sha256: file.toString("hex"),
			applied: !dryRun,
			differences: dryRun ? differencesOf(stage, context) : undefined,
			warnings,
		};
	};
	try {
		return context.transact(act, { whole: true, expected });
	} finally {
		record.close();
	}
}

/**
 * Whether a document need not be applied: it was applied last, as a whole, and all rows are as they were applied.
 * @param file SHA-256 of the document
 */
export function isUnchanged(
	last: Applied,
	file: Buffer,
	generation: bigint | undefined,
	context: Context,
): boolean {
	if (!last.file.equals(file) || last.only !== "") return false;
	if ((generation ?? last.generation) !== last.generation) return false;
	return !isInDoubt(context) && isAsApplied(context, last);
}

/**
 * The result where the same file was applied last and no row was changed since: the document need not be parsed. Keys in other
 * files and parts of the tables need the comparison of all rows.
 */
function unchanged(
	{ bytes }: Input,
	file: Buffer,
	{ dryRun, generation, only }: Options,
	context: Context,
): Result | undefined {
	const last = lastApplied(openApplied(context, { readOnly: true }));
	if (!last?.file.equals(file) || only.text !== "" || dryRun) return undefined;
	if (hasKeyFiles(bytes) || !isUnchanged(last, file, generation, context))
		return undefined;
	return {
		written: 0,
		deleted: 0,
		tables: {},
		generation: last.generation,
		sha256: file.toString("hex"),
		applied: true,
		differences: undefined,
		warnings: [],
	};
}
