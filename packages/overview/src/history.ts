import type { Direction, Outcome } from "@sluice/maps/tables";
import type { Readings } from "./readings.js";

/** Packets and bytes in a second through all tunnels. */
export interface Point {
	/** Milliseconds since 1970. */
	time: number;
	packetsIn: number;
	bytesIn: number;
	packetsOut: number;
	bytesOut: number;
	/** Dropped packets in a second, ours. */
	dropped: number;
}

interface Reading {
	time: number;
	/** Milliseconds of a monotonic clock. */
	at: number;
	readings: Readings;
}

/** How long drops are remembered by outcome, in milliseconds. */
const WINDOW = 60_000;

/** Age of the oldest point, in milliseconds. */
const SPAN = 600_000;

/** Readings as they come: rates between the last two, drops of the last minute, and a point for each of the last ten minutes. */
export class History {
	readonly points: Point[] = [];
	/** Drops by outcome at each reading of the last minute, the oldest first. */
	readonly #drops: { at: number; counts: Map<string, bigint> }[] = [];
	#before: Reading | undefined;
	#now: Reading | undefined;

	add(readings: Readings): void {
		const now = { time: Date.now(), at: performance.now(), readings };
		this.#before = this.#now;
		this.#now = now;
		this.#drops.push({ at: now.at, counts: dropsOf(readings) });
		while ((this.#drops[1]?.at ?? now.at) < now.at - WINDOW)
			this.#drops.shift();
		if (!this.#before) return;
		this.points.push(pointOf(this.#before, now));
		while ((this.points[0]?.time ?? now.time) < now.time - SPAN)
			this.points.shift();
	}

	/** @throws Error before the first reading. */
	get readings(): Readings {
		if (!this.#now) throw new Error("nothing was read yet");
		return this.#now.readings;
	}

	/** The reading before; the same one where there is none. */
	get before(): Readings {
		return this.#before?.readings ?? this.readings;
	}

	/** Seconds between the last two readings; 0 where there is one only. */
	get seconds(): number {
		if (!this.#before || !this.#now) return 0;
		return (this.#now.at - this.#before.at) / 1000;
	}

	/** Packets that were dropped in the last minute, or since the first reading, the most frequent first. */
	drops(): {
		/** How long that is. */
		seconds: number;
		counts: DropCount[];
		/** Since the counters began. */
		totals: DropCount[];
	} {
		const [first] = this.#drops;
		const last = this.#drops.at(-1);
		if (!first || !last) return { seconds: 0, counts: [], totals: [] };
		return {
			seconds: (last.at - first.at) / 1000,
			counts: dropCounts(last.counts, first.counts),
			totals: dropCounts(last.counts),
		};
	}
}

/** Dropped packets of one outcome. */
export interface DropCount {
	direction: Direction;
	outcome: Outcome;
	packets: number;
}

/** What the counters have risen by, those that have; the largest first. */
const dropCounts = (
	counts: ReadonlyMap<string, bigint>,
	before?: ReadonlyMap<string, bigint>,
): DropCount[] =>
	[...counts]
		.map(([name, count]) => {
			const [direction, outcome] = name.split(" ");
			return {
				direction: direction as Direction,
				outcome: outcome as Outcome,
				packets: Number(count - (before?.get(name) ?? 0n)),
			};
		})
		.filter(({ packets }) => packets > 0)
		.sort((a, b) => b.packets - a.packets);

const dropsOf = ({ outcomes }: Readings) =>
	new Map(
		outcomes
			.filter(({ fate }) => fate === "dropped")
			.map(({ direction, outcome, packets }) => [
				`${direction} ${outcome}`,
				packets,
			]),
	);

function pointOf(before: Reading, now: Reading): Point {
	const seconds = (now.at - before.at) / 1000;
	const dropped = ({ readings }: Reading) =>
		[...dropsOf(readings).values()].reduce((sum, count) => sum + count, 0n);
	const rate = (from: bigint, to: bigint) =>
		Math.max(Number(to - from), 0) / seconds;
	const { ingress, egress } = before.readings.traffic;
	const { ingress: inNow, egress: outNow } = now.readings.traffic;
	return {
		time: now.time,
		packetsIn: rate(ingress.packets, inNow.packets),
		bytesIn: rate(ingress.bytes, inNow.bytes),
		packetsOut: rate(egress.packets, outNow.packets),
		bytesOut: rate(egress.bytes, outNow.bytes),
		dropped: rate(dropped(before), dropped(now)),
	};
}
