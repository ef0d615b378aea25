import {
	LEAST_ANSWERED,
	type PingAnswer,
	readAnswer,
	signedPing,
} from "@sluice/tunnel/wire";
import { Sockets } from "./sockets.js";
import type { Target } from "./targets.js";

/** Milliseconds after which an answer is not waited for any more. */
const PATIENCE = 1000;

/** An answer to a signed ping. */
export interface Answered {
	answer: PingAnswer;
	/** Round-trip time, milliseconds. */
	ms: number;
	/** Seconds that the far end's clock (CLOCK_TAI) is ahead of this one's, to half the round-trip time. */
	clock: number;
}

interface Waiting {
	target: Target;
	/** By `performance.now()`. */
	sentAt: number;
	timer: NodeJS.Timeout;
	settle(answered: Answered | undefined): void;
}

/** Sends signed pings, and brings each together with its answer. */
export class Exchange {
	readonly #sockets = new Sockets((message) => this.#receive(message));
	/** By the time that the ping carries. */
	readonly #waiting = new Map<bigint, Waiting>();
	readonly #now: () => bigint;
	readonly #stopped: AbortSignal | undefined;
	readonly #abort = () => this.#settleAll();
	#lastTime = 0n;

	/**
	 * @param now nanoseconds (CLOCK_TAI)
	 * @param stopped ends all waiting, without an answer
	 */
	constructor(now: () => bigint, stopped: AbortSignal | undefined) {
		this.#now = now;
		this.#stopped = stopped;
		stopped?.addEventListener("abort", this.#abort);
	}

	/** Closes the sockets that no target needs any more. */
	keep(targets: readonly Target[]): void {
		this.#sockets.keep(targets);
	}

	/** @throws Failure it cannot leave */
	sendPlain(target: Target): Promise<void> {
		return this.#sockets.send(target, target.plain);
	}

	/**
	 * Sends a signed ping.
	 *
	 * @param size bytes of UDP payload
	 * @returns when it has left: its answer to come; undefined after a second without one, or when it is stopped
	 * @throws Failure it cannot leave
	 */
	async send(
		target: Target,
		{ challenge, size }: { challenge?: bigint | undefined; size?: number } = {},
	): Promise<{ reply: Promise<Answered | undefined> }> {
		const { id, signing } = target;
		if (!signing || this.#stopped?.aborted)
			return { reply: Promise.resolve(undefined) };
		const time = this.#nextTime();
		const payload = signedPing(
			{ ...signing, tunnel: id, time, challenge },
			size ?? LEAST_ANSWERED,
		);
		const reply = new Promise<Answered | undefined>((settle) =>
			this.#waiting.set(time, {
				target,
				sentAt: performance.now(),
				// After what has arrived is read: on a busy machine, that may be late.
				timer: setTimeout(
					() => setImmediate(() => this.#settle(time)),
					PATIENCE,
				),
				settle,
			}),
		);
		try {
			await this.#sockets.send(target, payload);
		} catch (error) {
			this.#settle(time);
			throw error;
		}
		return { reply };
	}

	close(): void {
		this.#stopped?.removeEventListener("abort", this.#abort);
		this.#settleAll();
		this.#sockets.close();
	}

	/** The clock's, and newer than the one before. */
	#nextTime(): bigint {
		const now = this.#now();
		this.#lastTime = now > this.#lastTime ? now : this.#lastTime + 1n;
		return this.#lastTime;
	}

	#settleAll(): void {
		for (const time of [...this.#waiting.keys()]) this.#settle(time);
	}

	#settle(time: bigint, answered?: Answered): void {
		const waiting = this.#waiting.get(time);
		if (!waiting) return;
		clearTimeout(waiting.timer);
		this.#waiting.delete(time);
		waiting.settle(answered);
	}

	#receive(message: Buffer): void {
		if (message.length < LEAST_ANSWERED) return;
		// The time identifies the ping that it answers, and so the key of its MAC.
		const waiting = this.#waiting.get(message.readBigUInt64BE(28));
		const { target, sentAt } = waiting ?? {};
		const answer = target && readAnswer(message, () => target.signing?.key);
		if (sentAt === undefined || !answer || answer.tunnel !== target.id) return;
		const ms = performance.now() - sentAt;
		const clock = Number(answer.now - answer.time) / 1e9 - ms / 2000;
		this.#settle(answer.time, { answer, ms, clock });
	}
}
