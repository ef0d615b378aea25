import { lookupBatches } from "./batch.js";
import type { Codec } from "./codec.js";
import { possibleCpus } from "./cpus.js";
import type { MapInfo } from "./info.js";
import { mapTypes } from "./table.js";

/** Types with one value per CPU, each rounded up to eight bytes. */
const perCpuTypes = new Set<number>([
	mapTypes.percpu_hash,
	mapTypes.percpu_array,
]);

/**
 * How many entries a map has, whatever is in them.
 * @throws BpfError ENOTSUPP this kind of map has no batches.
 */
export function countEntries(fd: number, info: MapInfo): number {
	const { name, keySize, valueSize, maxEntries } = info;
	const value = perCpuTypes.has(info.type)
		? Math.ceil(valueSize / 8) * 8 * possibleCpus()
		: valueSize;
	const table = {
		name,
		type: "hash",
		flags: info.flags,
		key: sized(keySize),
		value: sized(value),
	} as const;
	let entries = 0;
	const cursor = { started: false };
	for (const { count } of lookupBatches(fd, table, maxEntries, cursor))
		entries += count;
	return entries;
}

/** Returns only the size. */
const sized = (size: number): Codec<undefined> => ({
	size,
	read: () => undefined,
	write: () => {},
});
