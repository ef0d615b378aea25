import type { Context } from "@sluice/cli-kit";
import type { Batch } from "@sluice/maps";
import {
	type AddOptions,
	type Rows,
	Sum,
	whole,
	words,
} from "@sluice/maps/sum";
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

/** Digests of the rows that a document owns. */
export interface RowsDigest {
	/** Without remotes, which pings may move; with the names of interfaces. */
	state: Buffer;
	/** With them, but for the time of the last ping. */
	rows: Buffer;
}

/**
 * Digests of rows. They find changes, not forgeries: whoever may write the tables may write them. Of a part of the tables,
 * only what has an id is in it.
 *
 * @param batchesOf reads all rows of a table; by default, those of the kernel
 */
export function rowsDigest(
	context: Context,
	only: Only,
	salt: Buffer,
	batchesOf: (table: AnyTable) => Iterable<Batch> = rowsOfKernel(context),
): RowsDigest {
	const digest = new Digest(context, salt);
	const ownsAll = only.text === "";
	const add = (table: AnyTable, isOwn?: (key: number) => boolean) => {
		for (const batch of batchesOf(table))
			digest.add(table, batch, { isOwn: ownsAll ? undefined : isOwn });
	};
	for (const table of [verifyTable, rotationTable, signingTable])
		add(table, (key) => ownsService(only, key & 0xffff));
	for (const table of [tunnelOptionsTable, tunnelTable])
		add(table, (key) => ownsTunnel(only, key >>> 0));
	if (only.config) add(configTable);
	if (ownsAll)
		for (const table of [encapTable, natTable, decapTable, signedOnlyTable])
			add(table);
	return digest.sums();
}

const rowsOfKernel = ({ kernel, pinDirectory }: Context) =>
	function* (table: AnyTable): Generator<Batch> {
		const open = kernel.openTable(table, pinDirectory, { readOnly: true });
		yield* open.batches();
		open.close();
	};

/**
 * The digests after changes, where no other writer has changed a row meanwhile: of a hundred thousand rows, few are read.
 * @param before of all rows, the part of the tables that is owned being all of them
 */
export function digestAfter(
	context: Context,
	before: RowsDigest,
	changes: readonly PackedChange[],
	salt: Buffer,
): RowsDigest {
	const digest = new Digest(context, salt, before);
	for (const { table, changes: of } of changes) {
		if (!layouts.has(table)) continue;
		const { added, changed, deleted } = of;
		digest.add(table, { ...added, values: added.after });
		digest.add(table, { ...changed, values: changed.before }, { sign: -1 });
		digest.add(table, { ...changed, values: changed.after });
		digest.add(table, { ...deleted, values: deleted.before }, { sign: -1 });
	}
	return digest.sums();
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

class Digest {
	readonly #state: Sum;
	readonly #rows: Sum;
	readonly #seed: number;
	readonly #context: Context;

	constructor(context: Context, salt: Buffer, before?: RowsDigest) {
		this.#context = context;
		this.#state = new Sum(before?.state);
		this.#rows = new Sum(before?.rows);
		this.#seed = salt.readInt32LE(0);
	}

	/** Adds rows, or with the sign -1 subtracts them. */
	add(
		table: AnyTable,
		{ keys, values, count }: Batch,
		{ sign = 1, isOwn }: Pick<AddOptions, "sign" | "isOwn"> = {},
	): void {
		const withNames = table === configTable;
		const rows: Rows = {
			count,
			keys: words(keys),
			keySize: table.key.size / 4,
			values: words(withNames ? this.#named(keys, values, count) : values),
			valueSize: (table.value.size + (withNames ? NAME : 0)) / 4,
		};
		const { number, masks } = layouts.get(table) as Layout;
		const seed = this.#seed + number;
		this.#state.add(rows, { seed, sign, masks, isOwn });
		if (table === tunnelTable)
			this.#rows.add(rows, { seed, sign, masks: WITHOUT_PING, isOwn });
	}

	/** Rows of the config, each with the name that its interface has: rows are by index, documents by name. */
	#named(keys: Buffer, values: Buffer, count: number): Buffer {
		const { kernel } = this.#context;
		const { key, value } = configTable;
		const named = Buffer.alloc(count * (value.size + NAME));
		for (let i = 0; i < count; i++) {
			const at = i * (value.size + NAME);
			values.copy(named, at, i * value.size, (i + 1) * value.size);
			const { ifindex } = key.read(keys, i * key.size);
			const name = ifindex === 0 ? "" : kernel.interfaceName(ifindex);
			named.write(name ?? "", at + value.size, NAME);
		}
		return named;
	}

	sums(): RowsDigest {
		return { state: this.#state.bytes(), rows: this.#rows.bytes() };
	}
}

/** Bytes of an interface's name. */
const NAME = 16;

/** How the rows of a table are in the state. */
interface Layout {
	/** So that a row of one table is not a row of another. */
	number: number;
	/** Of the words of a value that are in it; undefined: all are. */
	masks: Int32Array | undefined;
}

/** A tunnel's words: the local address, the remote one, both ports, and the last ping. */
const WITHOUT_PING = whole(9);
const WITHOUT_REMOTE = whole(9).fill(0, 4, 8).fill(0xffff, 8);

/** Without the words in which the data path counts the use of each key. */
const WITHOUT_USE = whole(24).fill(0, 8, 12).fill(0, 20, 24);

const layouts = new Map<AnyTable, Layout>(
	(
		[
			[tunnelTable, WITHOUT_REMOTE],
			[verifyTable],
			[configTable],
			[encapTable],
			[natTable],
			[decapTable],
			[rotationTable, WITHOUT_USE],
			[signingTable],
			[tunnelOptionsTable],
			[signedOnlyTable],
		] as [AnyTable, Int32Array?][]
	).map(([table, masks], number) => [table, { number, masks }]),
);

// biome-ignore lint/suspicious/noExplicitAny: rows are bytes here
type AnyTable = Table<any, any>;
