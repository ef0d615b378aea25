import { type Change, callsOf, type Progress, undo, write } from "./changes.js";
import { BpfError } from "./errors.js";
import type { Journal } from "./journal.js";
import { complete, decode, encode } from "./record.js";
import type { StagedTable } from "./staged.js";

// biome-ignore lint/suspicious/noExplicitAny: each table keeps its own types to itself
export type AnyStagedTable = StagedTable<any, any>;

export interface FlushOptions {
	/** Where the changes are recorded, so that a kill does not cut them in two. */
	journal?: Pick<Journal, "write" | "clear">;
	progress?: Progress;
}

/**
 * Writes the staged changes: adds and updates in the order of the tables, then deletes in the opposite order. Deletes go
 * first only where a table has no room for both.
 *
 * @throws BpfError E2BIG a table would not hold it all, or the kernel refused: the tables are as they were.
 */
export function flush(
	opened: readonly AnyStagedTable[],
	{ journal, progress = () => {} }: FlushOptions = {},
): void {
	const tables = opened.filter((table) => table.isTouched);
	if (tables.length === 0) return;
	for (const table of tables) refuseTooMany(table);
	const changes = tables.flatMap((table): Change[] => {
		const change = table.change();
		return change ? [change] : [];
	});
	// One system call is done or not.
	const recorded = callsOf(changes) > 1 ? journal : undefined;
	recorded?.write(encode(changes));
	try {
		if (!tables.every(hasRoom)) write(changes, true, progress);
		else writeInOrder(changes, progress);
	} catch (error) {
		undo(changes);
		recorded?.clear();
		throw error;
	}
	recorded?.clear();
}

/** Errors of a full hash map, and of a full trie. */
const FULL = ["E2BIG", "ENOSPC"];

/** Deletes first, too, where only the kernel knows that there is no room for both. */
function writeInOrder(changes: readonly Change[], progress: Progress): void {
	try {
		write(changes, false, progress);
	} catch (error) {
		const { code = "" } = error as { code?: string };
		if (
			!FULL.includes(code) ||
			changes.every(({ changes: { deleted } }) => deleted.count === 0)
		)
			throw error;
		undo(changes);
		write(changes, true, progress);
	}
}

/**
 * Completes the change that a killed writer has recorded. Call it under the writers' lock, before anything is read.
 * @param open as `decode`
 * @returns whether there was one
 */
export function recover(
	journal: Pick<Journal, "read" | "clear">,
	open: Parameters<typeof decode>[1],
): boolean {
	const record = journal.read();
	if (!record) return false;
	complete(decode(record, open));
	journal.clear();
	return true;
}

function refuseTooMany(table: AnyStagedTable): void {
	if (table.inKernel === undefined) return;
	const { added, deleted } = table.counts;
	const needed = table.inKernel + added - deleted;
	if (needed <= table.maxEntries || added === 0) return;
	throw new BpfError(`write ${table.name}`, "E2BIG", {
		hint: `it holds ${table.maxEntries} entries, ${needed} are wanted`,
	});
}

const hasRoom = (table: AnyStagedTable) =>
	table.inKernel === undefined ||
	table.inKernel + table.counts.added <= table.maxEntries;
