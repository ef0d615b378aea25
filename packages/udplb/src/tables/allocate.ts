/** Consecutive indices. */
export interface Run {
	at: number;
	count: number;
}

/** Hands out runs of consecutive indices below a capacity, each as low as there is room. */
export class Indices {
	/** Free runs, by where they begin; neighbours are joined. */
	#free: Run[];

	constructor(capacity: number) {
		this.#free = [{ at: 0, count: capacity }];
	}

	/** @returns where the run begins; undefined: there is no room for it */
	take(count: number): number | undefined {
		const index = this.#free.findIndex((run) => run.count >= count);
		const run = this.#free[index];
		if (!run) return undefined;
		const { at } = run;
		run.at += count;
		run.count -= count;
		if (run.count === 0) this.#free.splice(index, 1);
		return at;
	}

	/** Takes runs back, in any order. */
	give(runs: readonly Run[]): void {
		if (runs.length === 0) return;
		const all = [...this.#free, ...runs].sort((a, b) => a.at - b.at);
		this.#free = [];
		for (const { at, count } of all) {
			const last = this.#free.at(-1);
			if (last && last.at + last.count === at) last.count += count;
			else this.#free.push({ at, count });
		}
	}
}
