import { check } from "./errors.js";
import { lazily } from "./libbpf.js";
import type { Batch, Table } from "./table.js";

const ENOENT = -2;
const ENOSPC = -28;

const bpf_map_lookup_batch = lazily(
	"int bpf_map_lookup_batch(int fd, void *in_batch, void *out_batch, void *keys, void *values, void *count, const void *opts)",
);
const operations = {
	update: lazily(
		"int bpf_map_update_batch(int fd, const void *keys, const void *values, void *count, const void *opts)",
	),
	delete: lazily(
		"int bpf_map_delete_batch(int fd, const void *keys, void *count, const void *opts)",
	),
};

/** Entries per system call: enough that its cost does not count, few enough for one buffer. */
const CHUNK = 16_384;

/**
 * Reads a whole map in batches. The buffers are the caller's until the next batch.
 * `cursor.started` is set once a batch has been read, from when on a refusal is an error.
 *
 * @throws BpfError ENOTSUPP this kind of map has no batches.
 */
export function* lookupBatches<K, V>(
	fd: number,
	{ name, key, value }: Table<K, V>,
	maxEntries: number,
	cursor: { started: boolean },
): IterableIterator<Batch> {
	let room = Math.min(CHUNK, maxEntries);
	let keys = Buffer.allocUnsafe(room * key.size);
	let values = Buffer.allocUnsafe(room * value.size);
	const count = Buffer.alloc(4);
	// A hash map's position is a bucket number, a trie's a key.
	const position = Buffer.alloc(Math.max(4, key.size));
	let from: Buffer | null = null;
	for (;;) {
		count.writeUInt32LE(room);
		const status = bpf_map_lookup_batch(
			fd,
			from,
			position,
			keys,
			values,
			count,
			null,
		);
		if (status === ENOSPC && room < maxEntries) {
			// One bucket holds more than there is room for.
			room = Math.min(2 * room, maxEntries);
			keys = Buffer.allocUnsafe(room * key.size);
			values = Buffer.allocUnsafe(room * value.size);
			continue;
		}
		if (status !== ENOENT) check(status, `read ${name}`);
		cursor.started = true;
		yield { keys, values, count: count.readUInt32LE() };
		if (status === ENOENT) return;
		from = position;
	}
}

/**
 * Updates (any) or deletes `total` entries, packed one behind the other.
 * @returns the kernel's status, 0 or -errno, and how many entries were done before it
 */
export function runBatch(
	operation: keyof typeof operations,
	fd: number,
	keys: Buffer,
	values: Buffer | null,
	total: number,
): { status: number; count: number } {
	const count = Buffer.alloc(4);
	count.writeUInt32LE(total);
	const args = values ? [keys, values] : [keys];
	const status: number = operations[operation](fd, ...args, count, null);
	return { status, count: status === 0 ? total : count.readUInt32LE() };
}
