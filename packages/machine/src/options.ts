import type { Counts } from "@sluice/cli-kit";
import type { DifferenceRow } from "./differences.js";
import type { MostDeletes } from "./guards.js";
import type { Only } from "./only.js";

/** How a document is applied. */
export interface Options {
	/** Return the difference, and change nothing. */
	dryRun: boolean;
	/** False: only compare; the guards apply to apply alone. */
	guarded: boolean;
	/** Instead of the document's own. */
	generation: bigint | undefined;
	mostDeletes: MostDeletes | undefined;
	allowEmpty: boolean;
	forceOwner: boolean;
	only: Only;
	/** Also an older generation than was applied: where a store was reset. */
	allowOlder?: boolean;
	/** A digest of the content, where the caller has one; by which content is compared. */
	content?: Buffer;
}

/** A document as read. */
export interface Input {
	/** For messages: its path, or `-`. */
	file: string;
	/** Its text in UTF-8, without a byte order mark. */
	bytes: Buffer;
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
