/** One way to do the thing that a row measures. */
type Contender = {
	name: string;
	/** Does it once. @returns the figure */
	measure: () => Promise<number>;
};

/** How often everything is measured. */
export const ROUNDS = Number(process.env.ROUNDS ?? 5);

/**
 * Measures every contender once a round, so that a machine that slows down slows all of them. Who begins changes with
 * the round.
 *
 * @returns the figures of each contender, by round
 */
export async function interleave(
	contenders: readonly Contender[],
	rounds = ROUNDS,
): Promise<Record<string, number[]>> {
	const samples: Record<string, number[]> = Object.fromEntries(
		contenders.map(({ name }) => [name, []]),
	);
	for (let round = 0; round < rounds; round++) {
		const first = round % contenders.length;
		const order = [...contenders.slice(first), ...contenders.slice(0, first)];
		for (const { name, measure } of order) samples[name]?.push(await measure());
	}
	return samples;
}
