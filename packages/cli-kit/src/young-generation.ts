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
 * Keeps V8's young generation as small as it is at the start: a hundred thousand entries need 20 MB less. Called where
 * there may be as many, for the module takes milliseconds to load.
 */
export function keepYoungGenerationSmall(): void {
	process
		.getBuiltinModule("node:v8")
		.setFlagsFromString("--semi-space-growth-factor=1");
}
