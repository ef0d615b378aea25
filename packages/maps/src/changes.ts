import type { KernelTable } from "./kernel-table.js";
import type { AnyTable } from "./table.js";

/** Entries of one table packed one behind the other, as the kernel's batch operations take them. */
export interface Packed {
	count: number;
	keys: Buffer;
	/** The values that the kernel has; empty where there are none, or they are not known. */
	before: Buffer;
	/** The values that it gets; empty where the entries are deleted. */
	after: Buffer;
}

/** What is to be changed in one table. */
export interface Changes {
	added: Packed;
	changed: Packed;
	deleted: Packed;
}

/** A table in the kernel, as far as changes are written to it. */
export type PackedTable = Pick<
	KernelTable<unknown, unknown>,
	"id" | "atOnce" | "readPacked" | "writePacked" | "deletePacked"
>;

/** The changes of one table, and where they are written. */
export interface Change {
	table: AnyTable;
	kernel: PackedTable;
	changes: Changes;
}

/** Called with the number of entries that were just written or deleted. */
export type Progress = (count: number) => void;

/**
 * Writes the changes: adds and changes in the order of the tables, then deletes in the opposite order; or deletes
 * first, where a table has no room for both.
 *
 * @throws BpfError the kernel refused; earlier writes stay.
 */
export function write(
	list: readonly Change[],
	deletesFirst: boolean,
	progress: Progress,
): void {
	const writes = () => {
		for (const { table, kernel, changes } of list)
			for (const { keys, after, count } of [changes.added, changes.changed])
				inChunks(count, kernel, progress, (from, to) =>
					kernel.writePacked(
						part(keys, table.key.size, from, to),
						part(after, table.value.size, from, to),
						to - from,
					),
				);
	};
	const deletes = () => {
		for (const { table, kernel, changes } of list.toReversed()) {
			const { keys, count } = changes.deleted;
			inChunks(count, kernel, progress, (from, to) =>
				kernel.deletePacked(part(keys, table.key.size, from, to), to - from),
			);
		}
	};
	for (const step of deletesFirst ? [deletes, writes] : [writes, deletes])
		step();
	for (const change of list) writeAgain(change);
}

/** Restores the kernel's old values. @throws BpfError the kernel refused. */
export function undo(list: readonly Change[]): void {
	for (const { kernel, changes } of list) {
		const { added, changed, deleted } = changes;
		kernel.deletePacked(added.keys, added.count);
		for (const { keys, before, count } of [changed, deleted])
			if (before.length > 0) kernel.writePacked(keys, before, count);
	}
}

/**
 * The data path may have read an entry before it was changed, and have put it back since: writes such an entry again.
 * It does so once for each packet in flight, so this ends.
 */
function writeAgain({ table, kernel, changes }: Change): void {
	if (!table.learned) return;
	const { key, value } = table;
	const now = Buffer.alloc(value.size);
	const { keys, before, after, count } = changes.changed;
	for (let i = 0; i < count; i++) {
		const wanted = part(after, value.size, i, i + 1);
		if (sameButLearned(table, part(before, value.size, i, i + 1), wanted))
			continue;
		const one = part(keys, key.size, i, i + 1);
		while (kernel.readPacked(one, now) && !sameButLearned(table, now, wanted))
			kernel.writePacked(one, wanted, 1);
	}
}

/** Whether two values are equal, except for fields that the data path writes. */
export function sameButLearned(
	{ learned = [] }: AnyTable,
	a: Buffer,
	b: Buffer,
) {
	for (let i = 0; i < b.length; i++)
		if (a[i] !== b[i] && !learned.some(([from, to]) => i >= from && i < to))
			return false;
	return true;
}

export const part = (bytes: Buffer, size: number, from: number, to: number) =>
	bytes.subarray(from * size, to * size);

function inChunks(
	count: number,
	{ atOnce }: PackedTable,
	progress: Progress,
	write: (from: number, to: number) => void,
): void {
	for (let from = 0; from < count; from += atOnce) {
		const to = Math.min(from + atOnce, count);
		write(from, to);
		progress(to - from);
	}
}

/** How many calls `write` takes; a kill cannot cut one of them in two. */
export function callsOf(list: readonly Change[]): number {
	let calls = 0;
	for (const { kernel, changes } of list)
		for (const { count } of [changes.added, changes.changed, changes.deleted])
			calls += Math.ceil(count / kernel.atOnce);
	return calls;
}
