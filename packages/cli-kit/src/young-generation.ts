import type { Rank } from "@sluice/maps";

/** Entries that take more memory than the module that saves it takes time. */
const MANY = 1000;

/** The same rank, for a table that may be large. */
export function rankOfMany<K>(rank: Rank<K>): Rank<K> {
	let count = 0;
	return (key) => {
		if (++count === MANY) keepYoungGenerationSmall();
		return rank(key);
	};
}

/**
 * Keeps V8's young generation as small as it is at the start: a hundred thousand entries need 20 MB less. To collect so
 * little, one thread is faster than several that wait for each other. Called where there may be as many, for the module
 * takes milliseconds to load.
 */
export function keepYoungGenerationSmall(): void {
	setFlag("--semi-space-growth-factor=1");
	setFlag("--no-parallel-scavenge");
}

/** The same, and has V8 collect the old generation whenever it has grown by a fifth: for many rows that are kept as objects. */
export function keepHeapSmall(): void {
	keepYoungGenerationSmall();
	setFlag("--heap-growing-percent=20");
}

const setFlag = (flag: string): void =>
	process.getBuiltinModule("node:v8").setFlagsFromString(flag);
