import { release } from "node:os";
import { type Context, Failure } from "@sluice/cli-kit";
import type { Position } from "../etcd/etcd.js";
import { WatchLost } from "../etcd/watch.js";
import { Applier } from "./applier.js";
import { Backoff } from "./backoff.js";
import { goesBack } from "./going-back.js";
import type { LastGoodFile } from "./last-good.js";
import { Mirror } from "./mirror.js";
import { Reporter } from "./reporter.js";
import type { Source } from "./source.js";
import type { AgentStatus } from "./status.js";

/** What others want to know of an agent while it runs: see metrics.ts. */
export interface Observer {
	connected(is: boolean): void;
	/** News from the store, if only that it is there. */
	news(): void;
	relisted(why: string): void;
	/** @param latency seconds since the push, by its own clock; undefined: it was listed, not watched */
	applied(seconds: number, latency: number | undefined): void;
	status(status: AgentStatus): void;
}

interface AgentOptions {
	machine: string;
	version: string;
	source: Source;
	lastGood: LastGoodFile;
	context: Context;
	observer: Observer;
	/** Longest wait between two attempts to reach the store, in milliseconds. */
	longestWait?: number;
}

/** All is listed again after so many minutes, give or take a third: a watch may have lost something, unnoticed. */
const RELIST_MINUTES = 15;

/** Milliseconds between two reports of an agent that has nothing new to say: well within its lease. */
const REPORT = 20_000;

/** All has to be listed again. */
class Relist extends Error {
	readonly why: string;
	constructor(why: string) {
		super(why);
		this.why = why;
	}
}

/**
 * Keeps the tables of one machine equal to its rows in the store: lists, verifies, applies, watches. While the store is silent or
 * refused, the tables stay.
 */
export class Agent {
	readonly #options: AgentOptions;
	readonly #mirror = new Mirror();
	readonly #status: AgentStatus;
	/** Of the last listing or update. */
	#position: Position | undefined;
	readonly #applier: Applier;
	readonly #reporter: Reporter;

	constructor(options: AgentOptions) {
		this.#options = options;
		this.#reporter = new Reporter(() =>
			options.source.report(JSON.stringify(this.#status)),
		);
		this.#status = {
			machine: options.machine,
			version: options.version,
			kernel: release(),
			node: process.version,
			since: new Date().toISOString(),
			seen: 0,
			applied: 0,
			appliedAt: null,
			revision: 0,
			refused: null,
			rows: { config: 0, tunnels: 0, services: 0 },
			source: "none",
		};
		this.#applier = new Applier({
			...options,
			mirror: this.#mirror,
			status: this.#status,
			applied: (...times) => options.observer.applied(...times),
			changed: () => this.#report(),
		});
	}

	get status(): Readonly<AgentStatus> {
		return this.#status;
	}

	/** Runs until the signal. @throws where the agent itself is wrong */
	async run(signal: AbortSignal): Promise<void> {
		const { source, observer, context } = this.#options;
		this.#applier.boot();
		observer.status(this.#status);
		const backoff = new Backoff(this.#options.longestWait);
		const beat = setInterval(() => {
			this.hasDrifted();
			this.#report();
		}, REPORT);
		let why = "start";
		try {
			while (!signal.aborted) {
				try {
					await this.#session(signal, why, () => backoff.reset());
					why = "disconnected";
				} catch (error) {
					if (error instanceof Relist || error instanceof WatchLost)
						why = error.why;
					else if (error instanceof Failure) {
						why = "disconnected";
						context.warn(`${error.message} (${error.code})`);
					} else throw error;
				}
				observer.connected(false);
				if (!signal.aborted && why !== "age") await backoff.wait(signal);
			}
		} finally {
			clearInterval(beat);
			await this.#applier.close();
			source.close();
		}
	}

	/** One listing, and the watch behind it. */
	async #session(
		signal: AbortSignal,
		why: string,
		connected: () => void,
	): Promise<void> {
		const { source, observer } = this.#options;
		const listing = await source.list();
		connected();
		observer.connected(true);
		observer.relisted(why);
		this.#mirror.replace(listing.rows);
		this.#moved(listing);
		this.#consider(true);
		const ended = new AbortController();
		const minutes = RELIST_MINUTES * (2 / 3 + (Math.random() * 2) / 3);
		const age = setTimeout(() => ended.abort(), minutes * 60_000);
		try {
			const both = AbortSignal.any([signal, ended.signal]);
			for await (const update of source.watch(listing, both)) {
				let isCommit = false;
				for (const [key, value] of update.events)
					isCommit = this.#mirror.set(key, value) || isCommit;
				this.#moved(update);
				if (isCommit) this.#consider(false);
			}
		} finally {
			clearTimeout(age);
		}
		if (ended.signal.aborted) throw new Relist("age");
	}

	#moved(position: Position): void {
		this.#position = {
			revision: position.revision,
			cluster: position.cluster,
		};
		this.#status.revision = Number(position.revision);
		this.#options.observer.news();
	}

	/** Verifies the rows after a commit. @param isListed all rows were just listed */
	#consider(isListed: boolean): void {
		const { commit, hasCommit } = this.#mirror;
		const { applied } = this.#status;
		const refuse = (generation: number, code: string, message: string) =>
			this.#applier.refuse({ generation, code, message });
		if (!commit) {
			if (hasCommit) refuse(0, "COMMIT", "the commit marker is damaged");
			// The machine was never pushed, or the store has lost it: the tables stay.
			else if (applied > 0)
				refuse(
					0,
					"NO_COMMIT",
					`the store has no commit for machine "${this.#options.machine}"`,
				);
			else this.#report();
			return;
		}
		const { generation } = commit;
		this.#status.seen = generation;
		if (!this.#mirror.agreesWith(commit)) {
			refuse(
				generation,
				"HASH",
				"the rows are not those of the commit; push again",
			);
			if (!isListed) throw new Relist("hash");
			return;
		}
		const cluster = this.#position?.cluster;
		const refusal = goesBack(commit, this.#applier.last, cluster);
		if (refusal) this.#applier.refuse(refusal);
		else this.#applier.accept({ commit, isNews: !isListed, cluster });
	}

	/** Whether other programs have changed rows since the last apply. */
	hasDrifted = (): boolean => this.#applier.hasDrifted();

	#report(): void {
		this.#options.observer.status(this.#status);
		this.#reporter.report();
	}
}
