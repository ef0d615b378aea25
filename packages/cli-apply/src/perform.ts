import { type Context, counted, type Transaction } from "@sluice/cli-kit";
import {
	lastApplied,
	openApplied,
	recordApplied,
	versionOf,
} from "./applied.js";
import {
	type DifferenceRow,
	differencesOf,
	differenceText,
} from "./differences.js";
import { fileDigest } from "./digest.js";
import { checkDeletes, checkEmpty, type MostDeletes } from "./guards.js";
import type { Only } from "./only.js";
import { plan } from "./plan.js";
import { rowsDigest } from "./rows-digest.js";
import { type Counts, isInDoubt, Stage } from "./stage.js";
import { warningsOf } from "./warnings.js";

/** How a document is applied. */
export interface Options {
	/** Say what would be changed, and change nothing. */
	dryRun: boolean;
	/** False: compare alone; what a document is refused for is for the one who applies it. */
	guarded: boolean;
	/** In the place of the document's own. */
	generation: bigint | undefined;
	mostDeletes: MostDeletes | undefined;
	allowEmpty: boolean;
	forceOwner: boolean;
	only: Only;
}

/** A document as it came. */
export interface Input {
	/** For messages: its path, or `-`. */
	file: string;
	text: string;
}

/** What was done, or with `dryRun` would be. */
export interface Result extends Counts {
	/** Undefined where documents are compared alone. */
	generation: bigint | undefined;
	/** Of the file. */
	sha256: string;
	applied: boolean;
	/** With `dryRun` alone: of many rows they are long. */
	differences: DifferenceRow[] | undefined;
	warnings: string[];
}

/**
 * Makes the kernel's tables what a document says, under one lock: reads, checks and plans all of it before it changes
 * anything, and records the generation last.
 *
 * @throws Failure usage: the document is wrong, or refused; nothing was changed
 * @throws BpfError the kernel refused: the tables are as they were
 */
export async function perform(
	input: Input,
	options: Options,
	context: Context,
): Promise<Result> {
	const file = fileDigest(input.text);
	const known = unchanged(input, file, options, context);
	if (known) return known;
	// The reader of YAML is slow to load.
	const { readMachine } = await import("./document/read.js");
	const document = readMachine(input.file, input.text);
	const { machine } = document;
	if (options.generation !== undefined) machine.generation = options.generation;
	const { only, dryRun, guarded } = options;
	if (guarded) checkEmpty(machine, options.allowEmpty);
	const record = openApplied(context);
	const rows = Math.max(machine.tunnels.length, 2 * machine.services.length);
	const act = (transaction: Transaction): Result => {
		const version = guarded
			? versionOf(machine, only, lastApplied(record), options.forceOwner)
			: undefined;
		const stage = new Stage(transaction);
		plan(stage, document, only, context);
		if (guarded) checkDeletes(stage, options.mostDeletes);
		const counts = stage.counts();
		if (version && !dryRun) {
			stage.write();
			recordApplied(record, {
				generation: version.generation,
				time: BigInt(Math.floor(Date.now() / 1000)),
				salt: version.salt,
				file,
				document: version.document,
				...rowsDigest(context, only, version.salt),
				owner: machine.name,
				only: only.text,
			});
		}
		return {
			...counts,
			generation: version?.generation,
			sha256: file.toString("hex"),
			applied: !dryRun,
			differences: dryRun ? differencesOf(stage, context) : undefined,
			warnings: warningsOf(machine),
		};
	};
	return context.transact(act, { whole: true, expected: rows });
}

/**
 * The result where the very file was applied last and no row was changed since, so that nobody has to take the document
 * apart. Of files with keys in other files, and of parts of the tables, more has to be looked at.
 */
function unchanged(
	{ text }: Input,
	file: Buffer,
	{ dryRun, generation, only }: Options,
	context: Context,
): Result | undefined {
	const last = lastApplied(openApplied(context, { readOnly: true }));
	if (!last?.file.equals(file) || last.only !== "" || only.text !== "")
		return undefined;
	if (dryRun || (generation ?? last.generation) !== last.generation)
		return undefined;
	if (/\bfile\b/.test(text) || isInDoubt(context)) return undefined;
	const { state, rows } = rowsDigest(context, only, last.salt);
	if (!state.equals(last.state) || !rows.equals(last.rows)) return undefined;
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

const rowsText = ({ written, deleted }: Counts) =>
	`${counted(written, "row")} written, ${deleted} deleted`;

/** Prints a result, its warnings aside. */
export function printResult(
	{ differences, warnings, ...rest }: Result,
	verb: string,
	context: Context,
): void {
	for (const warning of warnings)
		context.env.err(
			`cli_apply: ${verb ? `${verb}: ` : ""}warning: ${warning}\n`,
		);
	const { generation } = rest;
	context.print(
		() =>
			differences
				? [
						...differences.map(differenceText),
						`${counted(differences.length, "difference")}, not applied: ${rowsText(rest)}`,
					]
				: [`generation ${generation}: ${rowsText(rest)}`],
		() => ({ ...rest, ...(differences ? { differences } : {}), warnings }),
	);
}
