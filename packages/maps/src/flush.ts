import { BpfError } from "./errors.js";
import type { StagedTable } from "./staged.js";

// biome-ignore lint/suspicious/noExplicitAny: each table keeps its own types to itself
export type AnyStagedTable = StagedTable<any, any>;

/** Told of entries as they are written or deleted. */
export type Told = (count: number) => void;

/**
 * Writes what was staged: adds and changes in the order of the tables, then deletes in the opposite order. Deletes go
 * first only where a table has no room for both.
 *
 * @throws BpfError E2BIG a table would not hold it all, or the kernel refused: the tables are as they were.
 */
export function flush(
	tables: readonly AnyStagedTable[],
	told: Told = () => {},
): void {
	for (const table of tables) refuseTooMany(table);
	const writes = () => {
		for (const table of tables) table.flushWrites(told);
	};
	const deletes = () => {
		for (const table of [...tables].reverse()) table.flushDeletes(told);
	};
	const steps = tables.every(hasRoom) ? [writes, deletes] : [deletes, writes];
	try {
		for (const step of steps) step();
	} catch (error) {
		for (const table of tables) table.undo();
		throw error;
	}
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
