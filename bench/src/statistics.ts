/** What several measurements of one thing came to. */
export type Spread = { median: number; min: number; max: number };

/** @throws RangeError nothing was measured. */
export function spread(values: readonly number[]): Spread {
	const sorted = [...values].sort((a, b) => a - b);
	const [min, max] = [sorted.at(0), sorted.at(-1)];
	if (min === undefined || max === undefined)
		throw new RangeError("nothing was measured");
	const middle = sorted.length >> 1;
	const upper = sorted[middle] as number;
	const lower = sorted[sorted.length % 2 ? middle : middle - 1] as number;
	return { median: (upper + lower) / 2, min, max };
}

/**
 * One thing in ratio to another, round by round: what ran next to each other shared the machine's mood, so their ratio
 * drifts less than either.
 */
export function ratios(
	values: readonly number[],
	base: readonly number[],
): number[] {
	return values.flatMap((value, round) => {
		const against = base[round];
		return against ? [value / against] : [];
	});
}
