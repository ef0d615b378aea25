import { setTimeout as sleep } from "node:timers/promises";
import { Failure } from "@sluice/cli-kit";
import {
	LEAST_ANSWERED,
	type PingAnswer,
	readAnswer,
	signedPing,
} from "@sluice/tunnel/wire";
import { Sockets } from "./sockets.js";
import type { Target, Targets } from "./targets.js";

/** Milliseconds after which an answer is not waited for any more. */
const PATIENCE = 1000;

export interface PingOptions {
	/** Seconds between two rounds. */
	interval: number;
	/** Rounds; Infinity: until it is stopped. */
	count: number;
	stopped: AbortSignal | undefined;
	/** Nanoseconds (CLOCK_TAI). */
	now(): bigint;
	/** What is to be pinged: asked for each round. @throws Failure */
	read(): Targets;
}

/** One ping that has left. */
export interface Ping {
	target: Target;
	/** Of the round, from 1 on. */
	number: number;
}

export interface PingListener {
	/** A ping that is not signed has left: nobody answers it. */
	sent(ping: Ping): void;
	/** @param ms round-trip time */
	answered(ping: Ping, answer: PingAnswer, ms: number): void;
	lost(ping: Ping): void;
	/** Something cannot be pinged now; told again when it is something else. */
	failed(problem: Failure): void;
}

/** How many signed pings left, and how many were answered. */
export interface Tally {
	sent: number;
	answered: number;
}

interface Waiting extends Ping {
	sentAt: number;
	/** It carries a challenge. */
	hasChallenge: boolean;
}

/**
 * Pings tunnels in rounds. Rows and keys are read for each round; what cannot be pinged now is tried again in the next,
 * so that a tunnel that is set later and an address that comes later do not end it.
 */
export class Pinger {
	readonly #options: PingOptions;
	readonly #listener: PingListener;
	readonly #sockets = new Sockets((message) => this.#receive(message));
	/** By the time that they carry. */
	readonly #waiting = new Map<bigint, Waiting>();
	/** Of the last answer, by tunnel. */
	readonly #challenges = new Map<number, bigint>();
	readonly #tallies = new Map<number, Tally & { to: string }>();
	#lastTime = 0n;
	#left = 0;
	#problems: readonly Failure[] = [];
	#wake = () => {};

	constructor(options: PingOptions, listener: PingListener) {
		this.#options = options;
		this.#listener = listener;
	}

	/**
	 * @returns the signed pings of all tunnels
	 * @throws Failure with a `count`: not one ping could leave, or a tunnel has not answered
	 */
	async run(): Promise<Tally> {
		const { count, interval, stopped } = this.#options;
		const isLimited = Number.isFinite(count);
		try {
			for (let number = 1; number <= count && !stopped?.aborted; number++) {
				await this.#round(number);
				if (number < count) await wait(1000 * interval, stopped);
			}
			if (isLimited) await this.#allAnswered();
		} finally {
			this.#sockets.close();
			for (const timer of this.#timers) clearTimeout(timer);
		}
		if (isLimited) this.#throwIfSilent();
		const tallies = [...this.#tallies.values()];
		return {
			sent: tallies.reduce((sum, { sent }) => sum + sent, 0),
			answered: tallies.reduce((sum, { answered }) => sum + answered, 0),
		};
	}

	async #round(number: number): Promise<void> {
		const { targets, problems } = this.#read();
		this.#sockets.keep(targets);
		for (const target of targets) {
			if (this.#options.stopped?.aborted) return;
			try {
				await this.#send({ target, number });
			} catch (error) {
				problems.push(error as Failure);
			}
		}
		this.#report(problems);
	}

	#read(): Targets {
		try {
			return this.#options.read();
		} catch (error) {
			if (!(error instanceof Failure)) throw error;
			return { targets: [], problems: [error] };
		}
	}

	/** Tells of what was not so in the round before. */
	#report(problems: readonly Failure[]): void {
		const known = new Set(this.#problems.map(({ message }) => message));
		this.#problems = problems;
		// The first of them is the error, where not one ping leaves.
		const isError = Number.isFinite(this.#options.count) && this.#left === 0;
		for (const problem of problems)
			if (!isError && !known.has(problem.message))
				this.#listener.failed(problem);
	}

	async #send(ping: Ping): Promise<void> {
		const { target } = ping;
		const { id, signing, plain, to } = target;
		if (!signing) {
			await this.#sockets.send(target, plain);
			this.#left++;
			this.#listener.sent(ping);
			return;
		}
		const challenge = this.#challenges.get(id);
		const time = this.#nextTime();
		const payload = signedPing({ ...signing, tunnel: id, time, challenge });
		const tally = this.#tallies.get(id) ?? { sent: 0, answered: 0, to };
		this.#tallies.set(id, tally);
		this.#waiting.set(time, {
			...ping,
			sentAt: performance.now(),
			hasChallenge: challenge !== undefined,
		});
		try {
			await this.#sockets.send(target, payload);
		} catch (error) {
			this.#waiting.delete(time);
			throw error;
		}
		this.#left++;
		tally.sent++;
		this.#timers.add(setTimeout(() => this.#expire(time), PATIENCE));
	}

	readonly #timers = new Set<NodeJS.Timeout>();

	/** The clock's, and newer than the one before. */
	#nextTime(): bigint {
		const now = this.#options.now();
		this.#lastTime = now > this.#lastTime ? now : this.#lastTime + 1n;
		return this.#lastTime;
	}

	#expire(time: bigint): void {
		const ping = this.#waiting.get(time);
		if (!ping) return;
		this.#waiting.delete(time);
		// It may have been sent for an address that it has no more.
		this.#challenges.delete(ping.target.id);
		this.#listener.lost(ping);
		this.#wake();
	}

	#receive(message: Buffer): void {
		const waiting = this.#waitingFor(message);
		if (!waiting) return;
		const { ping, answer } = waiting;
		this.#waiting.delete(answer.time);
		const { id } = ping.target;
		if (answer.result !== "challenged") this.#challenges.delete(id);
		else {
			this.#challenges.set(id, answer.challenge);
			// At once, but for a challenge that did not help: its epoch may be over.
			if (!ping.hasChallenge) {
				const tally = this.#tallies.get(id);
				if (tally) tally.sent--;
				void this.#send(ping).catch((error) => this.#report([error]));
				return;
			}
		}
		const tally = this.#tallies.get(id);
		if (tally) tally.answered++;
		this.#listener.answered(ping, answer, performance.now() - ping.sentAt);
		this.#wake();
	}

	#waitingFor(
		message: Buffer,
	): { ping: Waiting; answer: PingAnswer } | undefined {
		if (message.length < LEAST_ANSWERED) return undefined;
		// The time says which ping it answers, whose key then proves it.
		const ping = this.#waiting.get(message.readBigUInt64BE(28));
		const answer = ping && readAnswer(message, () => ping.target.signing?.key);
		return answer?.tunnel === ping?.target.id && ping && answer
			? { ping, answer }
			: undefined;
	}

	/** Waits until no answer is waited for. */
	async #allAnswered(): Promise<void> {
		while (this.#waiting.size > 0 && !this.#options.stopped?.aborted)
			await new Promise<void>((resolve) => {
				this.#wake = resolve;
			});
	}

	#throwIfSilent(): void {
		const [problem] = this.#problems;
		if (this.#left === 0)
			throw problem ?? new Failure("failed", "not one ping could be sent");
		for (const { answered, to } of this.#tallies.values())
			if (answered === 0)
				throw new Failure("failed", `no answer from ${to}`, {
					code: "NO_ANSWER",
					hint: "do both ends have the same signing key, and does UDP get through? see cli_cfg stats at the far end",
				});
	}
}

/** Waits, or until it is stopped. */
const wait = (ms: number, signal: AbortSignal | undefined) =>
	sleep(ms, undefined, signal ? { signal } : {}).catch(() => {});
