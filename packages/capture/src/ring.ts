import type { Context } from "@sluice/cli-kit";

/** Milliseconds between two looks at counters. */
const INTERVAL = 1000;

/** A counter, and a callback for its growth. */
export type Counter = readonly [
	read: () => bigint,
	grown: (growth: number) => void,
];

interface RingOptions {
	/** Events to take; Infinity: until the program is stopped. */
	limit: number;
	/** Counters that are looked at each second and at the end, of events that are not in the ring buffer. */
	counters: readonly Counter[];
	/** Called once events are read. */
	started?(): void;
	/** @returns whether the event counts towards `limit` */
	take(bytes: Buffer): boolean;
}

/**
 * Reads events from a ring buffer as they come, until `limit` were taken or the program is stopped.
 *
 * @param fd of the ring buffer
 * @returns how many were taken
 * @throws the errors of `take`
 */
export async function readRing(
	context: Context,
	fd: number,
	options: RingOptions,
): Promise<number> {
	const look = growthOf(options.counters);
	const timer = setInterval(look, INTERVAL);
	try {
		return await takeEvents(context, fd, options);
	} finally {
		clearInterval(timer);
		look();
	}
}

/** @returns a function that reports the growth of the counters since its last call */
function growthOf(counters: readonly Counter[]): () => void {
	const before = counters.map(([read]) => read());
	return () => {
		for (const [i, [read, grown]] of counters.entries()) {
			const now = read();
			const growth = now - (before[i] ?? 0n);
			if (growth > 0n) grown(Number(growth));
			before[i] = now;
		}
	};
}

function takeEvents(
	{ kernel, env }: Context,
	fd: number,
	{ limit, take, started }: RingOptions,
): Promise<number> {
	const stop = env.stopped?.();
	return new Promise((resolve, reject) => {
		let count = 0;
		let ended = false;
		// Later, because a ring cannot be closed while it hands out its events.
		const end = (finish: () => void) => {
			if (ended) return;
			ended = true;
			setImmediate(() => {
				ring.close();
				finish();
			});
		};
		const stopped = () => end(() => resolve(count));
		const ring = kernel.openRing(fd, (bytes) => {
			if (ended) return;
			try {
				if (take(bytes) && ++count === limit) stopped();
			} catch (error) {
				end(() => reject(error));
			}
		});
		stop?.addEventListener("abort", stopped, { once: true });
		started?.();
		if (stop?.aborted) stopped();
	});
}
