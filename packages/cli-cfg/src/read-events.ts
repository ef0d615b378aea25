import { dirname } from "node:path";
import { readRing } from "@sluice/capture";
import { type Context, Failure } from "@sluice/cli-kit";
import { sumOfCpus } from "@sluice/maps/codec";
import {
	eventsLostTable,
	eventsTable,
	type PacketEvent,
	readEvent,
} from "@sluice/maps/tables";

interface EventListener {
	/** Whether `packet` is to be called with an event. */
	wants(event: PacketEvent): boolean;
	packet(event: PacketEvent): void;
	/** Packets that found no room in the ring buffer. */
	lost(count: number): void;
}

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
	const since = kernel.nanosecondsSinceBoot();
	try {
		return await readRing(context, ring.fd, {
			limit,
			counters: [[() => sumOfCpus(lost.get(0)), listener.lost]],
			take(bytes) {
				const event = readEvent(bytes);
				// Older ones were in the buffer before this program.
				if (event.time < since || !listener.wants(event)) return false;
				listener.packet(event);
				return true;
			},
		});
	} finally {
		release();
	}
}
