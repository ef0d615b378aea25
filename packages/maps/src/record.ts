import {
	type Change,
	type Packed,
	type PackedTable,
	part,
	sameButLearned,
	undo,
	write,
} from "./changes.js";
import { BpfError } from "./errors.js";
import type { AnyTable } from "./table.js";

// A record: for each table a header, then its keys and values. Numbers are little-endian.
const HEADER = 56;
/** Where the header's numbers stand; before them, the table's name and a zero. */
const at = { id: 32, added: 36, changed: 40, deleted: 44, known: 48 } as const;

/** The changes as bytes, for the journal: its pieces one behind the other. */
export function encode(list: readonly Change[]): Buffer[] {
	const parts: Buffer[] = [];
	for (const { table, kernel, changes } of list) {
		const { added, changed, deleted } = changes;
		const header = Buffer.alloc(HEADER);
		header.write(table.name, "latin1");
		header.writeUInt32LE(kernel.id, at.id);
		header.writeUInt32LE(added.count, at.added);
		header.writeUInt32LE(changed.count, at.changed);
		header.writeUInt32LE(deleted.count, at.deleted);
		header.writeUInt32LE(deleted.before.length > 0 ? 1 : 0, at.known);
		parts.push(header);
		for (const one of [added, changed, deleted])
			if (one.count > 0) parts.push(one.keys, one.before, one.after);
	}
	return parts;
}

/**
 * Reads a record back.
 * @param open opens a table by its name; undefined: it is not there any more
 */
export function decode(
	record: Buffer,
	open: (name: string) => { table: AnyTable; kernel: PackedTable } | undefined,
): Change[] {
	const list: Change[] = [];
	for (let next = 0; next < record.length; ) {
		const take = (size: number) => {
			const taken = record.subarray(next, next + size);
			next += size;
			return taken;
		};
		const header = take(HEADER);
		const name = header.toString("latin1", 0, header.indexOf(0));
		const opened = open(name);
		if (!opened || opened.kernel.id !== header.readUInt32LE(at.id))
			// The tables were removed and made again since.
			return [];
		const { key, value } = opened.table;
		const packed = (
			count: number,
			has: { before: boolean; after: boolean },
		) => ({
			count,
			keys: take(count * key.size),
			before: take(has.before ? count * value.size : 0),
			after: take(has.after ? count * value.size : 0),
		});
		list.push({
			...opened,
			changes: {
				added: packed(header.readUInt32LE(at.added), {
					before: false,
					after: true,
				}),
				changed: packed(header.readUInt32LE(at.changed), {
					before: true,
					after: true,
				}),
				deleted: packed(header.readUInt32LE(at.deleted), {
					before: header.readUInt32LE(at.known) === 1,
					after: false,
				}),
			},
		});
	}
	return list;
}

/**
 * Completes the change of a killed writer. An entry that the data path may have learned something for since it was written
 * is left alone. Where the kernel refuses, all is as it was before that writer.
 *
 * @throws BpfError the kernel refused that, too
 */
export function complete(list: readonly Change[]): void {
	const rest = list.map(withoutDone);
	for (const deletesFirst of [false, true])
		try {
			write(rest, deletesFirst, () => {});
			return;
		} catch (error) {
			if (!(error instanceof BpfError)) throw error;
		}
	undo(list);
}

/** The changes of a table that the data path writes, too, without the entries that are in place. */
function withoutDone(change: Change): Change {
	const { table, kernel, changes } = change;
	if (!table.learned) return change;
	const now = Buffer.alloc(table.value.size);
	const left = (packed: Packed): Packed => {
		const numbers = [...Array(packed.count).keys()].filter((i) => {
			const [key, before, after] = [
				part(packed.keys, table.key.size, i, i + 1),
				part(packed.before, table.value.size, i, i + 1),
				part(packed.after, table.value.size, i, i + 1),
			] as const;
			if (!kernel.readPacked(key, now)) return true;
			const isRemoteAlone =
				before.length > 0 && sameButLearned(table, before, after);
			return isRemoteAlone || !sameButLearned(table, now, after);
		});
		const some = (bytes: Buffer, size: number) =>
			bytes.length === 0
				? bytes
				: Buffer.concat(numbers.map((i) => part(bytes, size, i, i + 1)));
		return {
			count: numbers.length,
			keys: some(packed.keys, table.key.size),
			before: some(packed.before, table.value.size),
			after: some(packed.after, table.value.size),
		};
	};
	return {
		...change,
		changes: {
			...changes,
			added: left(changes.added),
			changed: left(changes.changed),
		},
	};
}
