import type { Context } from "@sluice/cli-kit";
import type { Table } from "@sluice/maps/table";
import {
	configTable,
	decapTable,
	encapTable,
	natTable,
	rotationTable,
	signedOnlyTable,
	signingTable,
	tunnelOptionsTable,
	tunnelTable,
	verifyTable,
} from "@sluice/maps/tables";
import { type Only, ownsService, ownsTunnel } from "./only.js";
import { Sum, words } from "./sum.js";

/** Digests of the rows that a document owns. */
export interface RowsDigest {
	/** Without remotes, which pings may move. */
	state: Buffer;
	/** With them, but for the time of the last ping. */
	rows: Buffer;
}

/**
 * Digests of the rows that the kernel has. They find changes, not forgeries: whoever may write the tables may write them.
 * Of a part of the tables, only what has an id is in it.
 */
export function rowsDigest(
	context: Context,
	only: Only,
	salt: Buffer,
): RowsDigest {
	const seed = salt.readInt32LE(0);
	const state = new Sum();
	const rows = new Sum();
	const add = (table: AnyTable, isOwn: (key: number) => boolean = () => true) =>
		eachRow(context, table, (row) => {
			if (isOwn(row[0] as number)) addRow(state, table, row, seed);
		});
	add(verifyTable, (key) => ownsService(only, key & 0xffff));
	add(rotationTable, (key) => ownsService(only, key & 0xffff));
	add(signingTable, (key) => ownsService(only, key & 0xffff));
	add(tunnelOptionsTable, (key) => ownsTunnel(only, key >>> 0));
	if (only.config) add(configTable);
	if (only.text === "") {
		add(encapTable);
		add(natTable);
		add(decapTable);
		add(signedOnlyTable);
	}
	eachRow(context, tunnelTable, (row) => {
		if (!ownsTunnel(only, (row[0] as number) >>> 0)) return;
		rows.add(row, TUNNEL_WITHOUT_PING, seed);
		addRow(state, tunnelTable, row, seed);
	});
	return { state: state.bytes(), rows: rows.bytes() };
}

/**
 * The digests after changes, where no other writer has changed a row meanwhile: of a hundred thousand rows, few are read.
 * @param before of all rows, the part of the tables that is owned being all of them
 */
export function digestAfter(
	before: RowsDigest,
	changes: readonly PackedChange[],
	salt: Buffer,
): RowsDigest {
	const seed = salt.readInt32LE(0);
	const state = new Sum(before.state);
	const rows = new Sum(before.rows);
	for (const { table, changes: of } of changes) {
		if (!numbers.has(table)) continue;
		const each = ({ keys, count }: Packed, values: Buffer, sign: number) =>
			eachPacked(table, keys, values, count, (row) => {
				if (table === tunnelTable)
					rows.add(row, TUNNEL_WITHOUT_PING, seed, sign);
				addRow(state, table, row, seed, sign);
			});
		each(of.added, of.added.after, 1);
		each(of.changed, of.changed.before, -1);
		each(of.changed, of.changed.after, 1);
		each(of.deleted, of.deleted.before, -1);
	}
	return { state: state.bytes(), rows: rows.bytes() };
}

/** Changes of a table as a staged table has them. */
interface PackedChange {
	table: AnyTable;
	changes: { added: Packed; changed: Packed; deleted: Packed };
}

interface Packed {
	count: number;
	keys: Buffer;
	before: Buffer;
	after: Buffer;
}

/** Of each table that is in the state, so that a row of one is not a row of another. */
const numbers = new Map<AnyTable, number>([
	[tunnelTable, 0],
	[verifyTable, 1],
	[configTable, 2],
	[encapTable, 3],
	[natTable, 4],
	[decapTable, 5],
	[rotationTable, 6],
	[signingTable, 7],
	[tunnelOptionsTable, 8],
	[signedOnlyTable, 9],
]);

/** Adds a row, which it may overwrite, or takes it away. */
function addRow(
	state: Sum,
	table: AnyTable,
	row: Int32Array,
	seed: number,
	sign = 1,
): void {
	let { length } = row;
	if (table === tunnelTable) {
		row[REMOTE_END - 1] = (row[REMOTE_END - 1] as number) & LOCAL_PORT;
		row.fill(0, REMOTE, REMOTE_END - 1);
		length = REMOTE_END;
	}
	if (table === rotationTable)
		for (const use of [OLD_KEY_USE, NEXT_KEY_USE])
			row.fill(0, use, use + KEY_USE);
	state.add(row, length, seed + (numbers.get(table) as number), sign);
}

/** Words of a rotation's row in which the data path counts the use of each key. */
const OLD_KEY_USE = 9;
const NEXT_KEY_USE = 21;
const KEY_USE = 4;

/** Words of a tunnel's row: the id, then the local address, the remote one, both ports, and the last ping. */
const REMOTE = 5;
const REMOTE_END = 10;
const TUNNEL_WITHOUT_PING = 10;
/** Of the word with both ports, the local one: the first two bytes. */
const LOCAL_PORT = 0xffff;

// biome-ignore lint/suspicious/noExplicitAny: rows are bytes here
type AnyTable = Table<any, any>;

/** Calls `visit` with the words of each row, key and value, in a buffer of its own that is used again. */
function eachRow(
	{ kernel, pinDirectory }: Context,
	table: AnyTable,
	visit: (row: Int32Array) => void,
): void {
	const open = kernel.openTable(table, pinDirectory, { readOnly: true });
	for (const { keys, values, count } of open.batches())
		eachPacked(table, keys, values, count, visit);
	open.close();
}

/** As `eachRow`, of rows that are packed one behind the other. */
function eachPacked(
	table: AnyTable,
	keys: Buffer,
	values: Buffer,
	count: number,
	visit: (row: Int32Array) => void,
): void {
	const keySize = table.key.size / 4;
	const valueSize = table.value.size / 4;
	const row = new Int32Array(keySize + valueSize);
	const keyWords = words(keys);
	const valueWords = words(values);
	for (let i = 0; i < count; i++) {
		for (let k = 0; k < keySize; k++)
			row[k] = keyWords[i * keySize + k] as number;
		for (let k = 0; k < valueSize; k++)
			row[keySize + k] = valueWords[i * valueSize + k] as number;
		visit(row);
	}
}
