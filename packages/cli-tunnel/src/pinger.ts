import { setTimeout as sleep } from "node:timers/promises";
import { Failure } from "@sluice/cli-kit";
import type { PingAnswer } from "@sluice/tunnel/wire";
import { type Answered, Exchange } from "./exchange.js";
import { measurePathMtu } from "./measure.js";
import type { Target, Targets } from "./targets.js";

/** Milliseconds after which the path MTU is measured again: it is valid for ten minutes. */
const MEASURE_AGAIN = 300_000;

interface PingOptions {
	/** Seconds between two rounds. */
	interval: number;
	/** Rounds; Infinity: until it is stopped. */
	count: number;
	/** Measure the MTU of the path to each far end that answers. */
	mtu: boolean;
	stopped: AbortSignal | undefined;
	/** Nanoseconds (CLOCK_TAI). */
	now(): bigint;
	/** What is to be pinged: read in each round. @throws Failure */
	read(): Targets;
}

/** One ping that has left. */
export interface Ping {
	target: Target;
	/** Of the round, from 1 on. */
	number: number;
}

export interface PingListener {
	/** An unsigned ping was sent: it is not answered. */
	sent(ping: Ping): void;
	answered(ping: Ping, answered: Answered): void;
	lost(ping: Ping): void;
	/** @param mtu bytes of the largest outer packet that gets through; `most`: those of the link */
	measured(target: Target, mtu: number, most: number): void;
	/** A target cannot be pinged now; once for each problem, until it is over. */
	failed(problem: Failure): void;
}

/** How many signed pings left, and how many were answered. */
interface Tally {
	sent: number;
	answered: number;
}

/**
 * Pings tunnels in rounds. Rows and keys are read in each round, and a failed ping is tried again in the next one, so that
 * tunnels and addresses may be added later.
 */
export class Pinger {
	readonly #options: PingOptions;
	readonly #listener: PingListener;
	readonly #exchange: Exchange;
	/** Of the last answer, by tunnel. */
	readonly #challenges = new Map<number, bigint>();
	readonly #tallies = new Map<number, Tally & { to: string }>();
	/** Pings without an answer yet, and measurements. */
	readonly #open = new Set<Promise<void>>();
	/** When a tunnel's path was measured, by `performance.now()`. */
	readonly #measured = new Map<number, number>();
	#left = 0;
	#problems: readonly Failure[] = [];

	constructor(options: PingOptions, listener: PingListener) {
		this.#options = options;
		this.#listener = listener;
		this.#exchange = new Exchange(options.now, options.stopped);
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
			if (isLimited) while (this.#open.size > 0) await Promise.all(this.#open);
		} finally {
			this.#exchange.close();
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
		this.#exchange.keep(targets);
		for (const target of targets) {
			if (this.#options.stopped?.aborted) return;
			try {
				await this.#send({ target, number });
			} catch (error) {
				problems.push(failureOf(error));
			}
		}
		this.#report(problems);
	}

	#read(): Targets {
		try {
			return this.#options.read();
		} catch (error) {
			return { targets: [], problems: [failureOf(error)] };
		}
	}

	/** Reports the problems that the round before did not have. */
	#report(problems: readonly Failure[]): void {
		const known = new Set(this.#problems.map(({ message }) => message));
		this.#problems = problems;
		// The first of them is the error, where not one ping leaves.
		const isError = Number.isFinite(this.#options.count) && this.#left === 0;
		for (const problem of problems)
			if (!isError && !known.has(problem.message))
				this.#listener.failed(problem);
	}

	/** @throws Failure it cannot leave, or has left but cannot measure the path */
	async #send(ping: Ping): Promise<void> {
		const { id, signing, to } = ping.target;
		if (!signing) {
			await this.#exchange.sendPlain(ping.target);
			this.#left++;
			this.#listener.sent(ping);
			if (this.#options.mtu)
				throw new Failure(
					"failed",
					`tunnel ${id}: --mtu measures nothing: only signed pings are answered; set a signing key at both ends`,
				);
			return;
		}
		const challenge = this.#challenges.get(id);
		const { reply } = await this.#exchange.send(ping.target, { challenge });
		this.#left++;
		const tally = this.#tallies.get(id) ?? { sent: 0, answered: 0, to };
		this.#tallies.set(id, tally);
		tally.sent++;
		const work = this.#follow(ping, reply, challenge !== undefined, tally);
		this.#open.add(work);
		void work.finally(() => this.#open.delete(work));
	}

	async #follow(
		ping: Ping,
		reply: Promise<Answered | undefined>,
		hadChallenge: boolean,
		tally: Tally,
	): Promise<void> {
		const { target } = ping;
		let answered = await reply;
		// At once, but for a challenge that did not help: its epoch may be over.
		if (answered?.answer.result === "challenged" && !hadChallenge)
			answered = await this.#meet(target, answered.answer.challenge);
		// Stopped: an answer may have been in flight.
		if (!answered && this.#options.stopped?.aborted) tally.sent--;
		else if (answered) {
			this.#remember(target, answered.answer);
			tally.answered++;
			this.#listener.answered(ping, answered);
			if (answered.answer.result !== "challenged") await this.#measure(target);
		} else {
			// It may have been sent for an address that this end has no more.
			this.#challenges.delete(target.id);
			this.#listener.lost(ping);
		}
	}

	/** Sends the ping again, with the challenge of the answer. */
	async #meet(
		target: Target,
		challenge: bigint,
	): Promise<Answered | undefined> {
		try {
			return await (await this.#exchange.send(target, { challenge })).reply;
		} catch (error) {
			this.#report([...this.#problems, failureOf(error)]);
			return undefined;
		}
	}

	#remember({ id }: Target, { result, challenge }: PingAnswer): void {
		if (result === "challenged") this.#challenges.set(id, challenge);
		else this.#challenges.delete(id);
	}

	async #measure(target: Target): Promise<void> {
		if (!this.#options.mtu) return;
		const last = this.#measured.get(target.id);
		const now = performance.now();
		if (last !== undefined && now - last < MEASURE_AGAIN) return;
		this.#measured.set(target.id, now);
		try {
			const { mtu, most } = await measurePathMtu(this.#exchange, target);
			if (!this.#options.stopped?.aborted)
				this.#listener.measured(target, mtu, most);
		} catch (error) {
			this.#report([...this.#problems, failureOf(error)]);
		}
	}

	#throwIfSilent(): void {
		const [problem] = this.#problems;
		if (this.#left === 0)
			throw problem ?? new Failure("failed", "not one ping could be sent");
		for (const { sent, answered, to } of this.#tallies.values())
			if (answered === 0 && sent > 0)
				throw new Failure("failed", `no answer from ${to}`, {
					code: "NO_ANSWER",
					hint: "do both ends have the same signing key, clocks that agree (CLOCK_TAI), and does UDP get through? see cli_cfg stats at the far end",
				});
	}
}

/** @throws the error itself where it is none that a user can mend */
function failureOf(error: unknown): Failure {
	if (error instanceof Failure) return error;
	throw error;
}

/** Waits, or until it is stopped. */
const wait = (ms: number, signal: AbortSignal | undefined) =>
	sleep(ms, undefined, signal ? { signal } : {}).catch(() => {});
