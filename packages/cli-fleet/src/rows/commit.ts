/**
 * Written with the last rows of a push: a machine's rows are complete, and may be applied, where their number and
 * digest are these.
 */
export interface Commit {
	/** Goes up with each push. */
	generation: number;
	/** How many rows there are, keys among them, itself not. */
	rows: number;
	/** Of the rows, as `RowsDigest` has it, in hex. */
	sha256: string;
	/** Rows that were deleted on purpose: an agent deletes so many without asking. */
	deletes: number;
	/** No row is meant. */
	empty?: boolean;
	/** Meant also where a newer generation was applied: the store was restored from a backup. */
	reset?: boolean;
	/** Pushed where neither rows nor an agent had been seen, so that the machine may have a newer generation by cli_apply. */
	first?: boolean;
	/** Who pushed, and when. */
	by: string;
	at: string;
}

/** @returns undefined if it is not a commit */
export function readCommit(text: string | undefined): Commit | undefined {
	if (text === undefined) return undefined;
	try {
		const commit: unknown = JSON.parse(text);
		return isCommit(commit) ? commit : undefined;
	} catch {
		return undefined;
	}
}

function isCommit(value: unknown): value is Commit {
	const { generation, rows, sha256, deletes } = (value ?? {}) as Commit;
	return (
		[generation, rows, deletes].every(
			(number) => Number.isSafeInteger(number) && number >= 0,
		) && typeof sha256 === "string"
	);
}
