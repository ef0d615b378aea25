import { setTimeout } from "node:timers/promises";

/** How often to look again, in milliseconds. */
const INTERVAL = 20;

/** Calls `look` until it gives something or `milliseconds` have passed; at least once. */
export async function until<T>(
	milliseconds: number,
	look: () => T | undefined,
): Promise<T | undefined> {
	const end = performance.now() + milliseconds;
	for (;;) {
		const found = look();
		if (found !== undefined) return found;
		const left = end - performance.now();
		if (left <= 0) return undefined;
		await setTimeout(Math.min(INTERVAL, left));
	}
}
