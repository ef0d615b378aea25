import { setTimeout as sleep } from "node:timers/promises";

const SHORTEST = 100;
const LONGEST = 30_000;

/**
 * Waits between attempts: up to twice as long after each, a random part of it, so that a thousand agents do not come at
 * once.
 */
export class Backoff {
	#limit = SHORTEST;
	readonly #longest: number;

	constructor(longest = LONGEST) {
		this.#longest = longest;
	}

	reset(): void {
		this.#limit = SHORTEST;
	}

	async wait(signal: AbortSignal): Promise<void> {
		const milliseconds = Math.random() * this.#limit;
		this.#limit = Math.min(2 * this.#limit, this.#longest);
		await sleep(milliseconds, undefined, { signal }).catch(() => {});
	}
}
