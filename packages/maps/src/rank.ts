/** The sort key of a row: an integer from 0 on, or a text. */
export type Rank<K> = (key: K) => number | string;

/** The indexes of `ranks`, the lowest rank's first. All of them are of one type. */
export function byRank(ranks: readonly (number | string)[]): Iterable<number> {
	if (typeof ranks[0] === "string") return byComparison(ranks);
	const { length } = ranks;
	const highest = (ranks as readonly number[]).reduce(
		(most, rank) => Math.max(most, rank),
		0,
	);
	if (highest < 4 * length)
		return byCounting(ranks as readonly number[], highest);
	// Rank and index in one number: numbers alone are sorted five times as quickly as by a function.
	const both = Float64Array.from(
		ranks as readonly number[],
		(rank, i) => rank * length + i,
	).sort();
	if ((both[length - 1] as number) <= Number.MAX_SAFE_INTEGER)
		return both.map((one) => one % length);
	return byComparison(ranks);
}

/** A counting sort: where ranks lie close together, it takes a fifth of the time. */
function byCounting(ranks: readonly number[], highest: number): Uint32Array {
	/** By rank: where the next index of it goes. */
	const next = new Uint32Array(highest + 2);
	for (const rank of ranks) (next[rank + 1] as number)++;
	for (let rank = 1; rank <= highest; rank++)
		(next[rank] as number) += next[rank - 1] as number;
	const order = new Uint32Array(ranks.length);
	for (let i = 0; i < ranks.length; i++)
		order[(next[ranks[i] as number] as number)++] = i;
	return order;
}

const byComparison = (ranks: readonly (number | string)[]) =>
	Uint32Array.from(ranks.keys()).sort((a, b) => {
		const [one, other] = [ranks[a], ranks[b]] as [number, number];
		return one < other ? -1 : one > other ? 1 : 0;
	});
