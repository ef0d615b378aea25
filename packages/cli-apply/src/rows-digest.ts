import type { Context } from "@sluice/cli-kit";
import type { Table } from "@sluice/maps/table";
import {
	configTable,
	decapTable,
	encapTable,
	natTable,
	tunnelTable,
	verifyTable,
} from "@sluice/maps/tables";
import { type Only, ownsService, ownsTunnel } from "./only.js";

/** Digests of the rows that a document owns. */
export interface RowsDigest {
	/** Without remotes, which pings may move. */
	state: Buffer;
	/** With them, but for the time of the last ping. */
	rows: Buffer;
}

/**
 * Sums of a hash of each row, so that their order, which is the kernel's own, does not matter, and so that a hundred
 * thousand take milliseconds. They find changes, not forgeries: whoever may write the tables may write the sums.
 *
 * Of a part of the tables, only what has an id is in it.
 */
export function rowsDigest(
	context: Context,
	only: Only,
	salt: Buffer,
): RowsDigest {
	const seed = salt.readInt32LE(0);
	const state = new Sum();
	const remotes = new Sum();
	const add = (
		table: AnyTable,
		number: number,
		isOwn: (key: number) => boolean = () => true,
	) =>
		eachRow(context, table, (row) => {
			if (isOwn(row[0] as number)) state.add(row, row.length, seed + number);
		});
	add(verifyTable, 1, (key) => ownsService(only, key & 0xffff));
	if (only.config) add(configTable, 2);
	if (only.text === "") {
		add(encapTable, 3);
		add(natTable, 4);
		add(decapTable, 5);
	}
	eachRow(context, tunnelTable, (row) => {
		if (!ownsTunnel(only, (row[0] as number) >>> 0)) return;
		remotes.add(row, TUNNEL_WITHOUT_PING, seed);
		row[REMOTE_END - 1] = (row[REMOTE_END - 1] as number) & LOCAL_PORT;
		row.fill(0, REMOTE, REMOTE_END - 1);
		state.add(row, REMOTE_END, seed);
	});
	return { state: state.bytes(), rows: remotes.bytes() };
}

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
	const keySize = table.key.size / 4;
	const valueSize = table.value.size / 4;
	const row = new Int32Array(keySize + valueSize);
	for (const { keys, values, count } of open.batches()) {
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
	open.close();
}

const words = ({ buffer, byteOffset, length }: Buffer) =>
	new Int32Array(buffer, byteOffset, length >> 2);

/** A sum of 128 bits: four hashes of 32, each with its own multiplier. */
class Sum {
	readonly #lanes = new Int32Array(MULTIPLIERS.length);

	add(row: Int32Array, length: number, seed: number): void {
		for (let lane = 0; lane < MULTIPLIERS.length; lane++) {
			const multiplier = MULTIPLIERS[lane] as number;
			let hash = seed ^ lane;
			for (let i = 0; i < length; i++) {
				hash = Math.imul(hash ^ (row[i] as number), multiplier);
				hash ^= hash >>> 15;
			}
			this.#lanes[lane] = ((this.#lanes[lane] as number) + hash) | 0;
		}
	}

	bytes(): Buffer {
		return Buffer.from(
			this.#lanes.buffer,
			this.#lanes.byteOffset,
			this.#lanes.byteLength,
		);
	}
}

/** Odd numbers without a pattern. */
const MULTIPLIERS = [0x9e3779b1, 0x85ebca77, 0xc2b2ae3d, 0x27d4eb2f];
