/** Sizes that are tried at once. */
const AT_ONCE = 8;

/**
 * Finds the largest size that gets through, by steps of some sizes at once. A smaller one that is lost in a step means
 * nothing where a larger one gets through.
 */
export class SizeSearch {
	/** The largest that gets through. */
	#fits: number;
	/** The smallest that does not. */
	#tooBig: number;

	/**
	 * @param least gets through
	 * @param most larger sizes do not
	 */
	constructor(least: number, most: number) {
		this.#fits = least;
		this.#tooBig = Math.max(least, most) + 1;
	}

	/** The largest known to get through. */
	get found(): number {
		return this.#fits;
	}

	/** The sizes of the next step, the largest last; none: `found` is the answer. */
	step(): number[] {
		const between = this.#tooBig - this.#fits - 1;
		const count = Math.min(AT_ONCE, between);
		return Array.from(
			{ length: count },
			(_, i) => this.#fits + Math.ceil(((i + 1) * between) / count),
		);
	}

	/** What became of a step's sizes. */
	end(sizes: readonly number[], gotThrough: ReadonlySet<number>): void {
		for (const size of sizes)
			if (gotThrough.has(size)) this.#fits = Math.max(this.#fits, size);
		for (const size of sizes)
			if (size > this.#fits) this.#tooBig = Math.min(this.#tooBig, size);
	}
}
