import { dirname } from "node:path";
import { type Context, Failure } from "@sluice/cli-kit";
import { sumOfCpus } from "@sluice/maps/codec";
import {
	eventsLostTable,
	eventsTable,
	type PacketEvent,
	readEvent,
} from "@sluice/maps/tables";

export interface EventListener {
	/** Whether an event is to be handed out. */
	wants(event: PacketEvent): boolean;
	packet(event: PacketEvent): void;
	/** Told of packets that found no room in the ring, as they are lost. */
	lost(count: number): void;
}

/** How often the count of lost packets is looked at, in milliseconds. */
const LOST_INTERVAL = 1000;

/**
 * Hands out packets from the ring buffer as they are intercepted, from now on, until there were `limit` or the
 * program is stopped.
 *
 * @returns how many there were
 * @throws Failure failed, where another process reads them: there can be one reader
 */
export async function readEvents(
	context: Context,
	limit: number,
	listener: EventListener,
): Promise<number> {
	const { kernel } = context;
	const ring = context.openTable(eventsTable);
	const lost = context.openTable(eventsLostTable, { readOnly: true });
	// Not the pins' own directory, whose lock is the writers'.
	const release = kernel.tryLock(dirname(context.pinDirectory));
	if (!release)
		throw new Failure("failed", "another process reads the packets", {
			code: "BUSY",
			hint: "end the other cli_cfg dump first",
		});
	const countLost = () => sumOfCpus(lost.get(0));
	let told = countLost();
	const tellLost = () => {
		const now = countLost();
		if (now > told) listener.lost(Number(now - told));
		told = now;
	};
	const timer = setInterval(tellLost, LOST_INTERVAL);
	try {
		return await read(context, ring.fd, limit, listener);
	} finally {
		clearInterval(timer);
		tellLost();
		release();
	}
}

function read(
	{ kernel, env }: Context,
	fd: number,
	limit: number,
	listener: EventListener,
): Promise<number> {
	const since = kernel.nanosecondsSinceBoot();
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
				const event = readEvent(bytes);
				// One that nobody read when it was news.
				if (event.time < since || !listener.wants(event)) return;
				listener.packet(event);
				if (++count === limit) stopped();
			} catch (error) {
				end(() => reject(error));
			}
		});
		stop?.addEventListener("abort", stopped, { once: true });
		if (stop?.aborted) stopped();
	});
}
