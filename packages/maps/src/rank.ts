/** Where a key stands among the others of its table: a whole number from 0 on. */
export type Rank<K> = (key: K) => number;

/** The indexes of `ranks`, the lowest rank's first. */
export function byRank(ranks: readonly number[]): Iterable<number> {
	const { length } = ranks;
	// Rank and index in one number: numbers alone are sorted five times as quickly as by a function.
	const both = Float64Array.from(ranks, (rank, i) => rank * length + i).sort();
	if ((both[length - 1] as number) <= Number.MAX_SAFE_INTEGER)
		return both.map((one) => one % length);
	return Array.from(ranks.keys()).sort(
		(a, b) => (ranks[a] as number) - (ranks[b] as number),
	);
}
