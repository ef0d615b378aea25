import { release } from "node:os";
import { isDeepStrictEqual } from "node:util";
import { type Context, Failure } from "@sluice/cli-kit";
import { lastApplied, openApplied } from "@sluice/machine";
import type { Position } from "../etcd/etcd.js";
import { WatchLost } from "../etcd/watch.js";
import type { Commit } from "../rows/commit.js";
import { apply } from "./apply.js";
import { Backoff } from "./backoff.js";
import { DriftCheck } from "./drift-check.js";
import { goesBack, mayGoBack } from "./going-back.js";
import type { LastGoodFile } from "./last-good.js";
import { Mirror } from "./mirror.js";
import { Reporter } from "./reporter.js";
import type { Source } from "./source.js";
import { type AgentStatus, countRows, type Refusal } from "./status.js";

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

/** Milliseconds between two applies. */
const QUIET = 20;

/** Milliseconds until rows are applied again that this machine could not take: an interface may come yet. */
const RETRY = 5000;

/** Milliseconds after an apply until the file is written: not for each of many. */
const WRITE_FILE = 1000;

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
	/** The cluster of the rows that were applied last; undefined: unknown. */
	#cluster: string | undefined;
	/** Which rows differ from the kernel's is known. */
	#isKnown = false;
	#accepted: Commit | undefined;
	/** The commit was watched, not listed. */
	#isNews = false;
	#applying: NodeJS.Timeout | undefined;
	#lastApply = 0;
	#saving: NodeJS.Timeout | undefined;
	readonly #drift: DriftCheck;
	readonly #reporter: Reporter;

	constructor(options: AgentOptions) {
		this.#options = options;
		this.#drift = new DriftCheck(options.context);
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
	}

	get status(): Readonly<AgentStatus> {
		return this.#status;
	}

	/** Runs until the signal. @throws where the agent itself is wrong */
	async run(signal: AbortSignal): Promise<void> {
		const { source, observer, context } = this.#options;
		this.#boot();
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
			clearTimeout(this.#applying);
			if (this.#saving) this.#save();
			source.close();
		}
	}

	/** What the kernel has, or the last good file where it has nothing. */
	#boot(): void {
		const { context, lastGood, machine } = this.#options;
		const last = lastApplied(openApplied(context, { readOnly: true }));
		const file = lastGood.read();
		this.#cluster = file?.cluster;
		if (last) {
			this.#status.applied = Number(last.generation);
			this.#status.source = "kernel";
			return;
		}
		if (!file || file.machine !== machine) return;
		for (const [key, value] of file.rows) this.#mirror.set(key, value);
		this.#mirror.accept();
		if (!this.#mirror.agreesWith(file.commit)) {
			context.warn(`${lastGood.path} is damaged, and was not applied`);
			return;
		}
		this.#accepted = { ...file.commit, deletes: 0 };
		this.#apply("file");
		context.warn(
			`generation ${file.commit.generation} applied from ${lastGood.path}: the tables were empty`,
		);
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
		this.#isKnown = false;
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
		if (!commit) {
			if (hasCommit) this.#refuse(0, "COMMIT", "the commit marker is damaged");
			// The machine was never pushed, or the store has lost it: the tables stay.
			else if (this.#status.applied > 0)
				this.#refuse(
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
			this.#refuse(
				generation,
				"HASH",
				"the rows are not those of the commit; push again",
			);
			if (!isListed) throw new Relist("hash");
			return;
		}
		const refusal = goesBack(commit, this.#last, this.#position?.cluster);
		if (refusal) {
			this.#refuse(refusal.generation, refusal.code, refusal.message);
			return;
		}
		this.#mirror.accept();
		this.#accepted = commit;
		this.#isNews = !isListed;
		this.#schedule();
	}

	/** What was applied last. */
	get #last() {
		return { generation: this.#status.applied, cluster: this.#cluster };
	}

	/** Applies after a short delay, so that successive commits are applied together. */
	#schedule(): void {
		const since = performance.now() - this.#lastApply;
		this.#applyIn(since > QUIET ? 0 : QUIET);
	}

	#applyIn(milliseconds: number): void {
		clearTimeout(this.#applying);
		this.#applying = setTimeout(() => this.#apply("etcd"), milliseconds);
	}

	#apply(source: "etcd" | "file"): void {
		const { machine, context, observer } = this.#options;
		const commit = this.#accepted;
		if (!commit) return;
		const { committed, changed } = this.#mirror;
		const start = performance.now();
		try {
			apply(
				machine,
				committed,
				this.#isKnown ? changed : undefined,
				commit,
				mayGoBack(commit, this.#last),
				context,
			);
		} catch (error) {
			this.#isKnown = false;
			this.#refuseFor(commit, error);
			return;
		} finally {
			this.#lastApply = performance.now();
		}
		changed.clear();
		this.#isKnown = true;
		observer.applied(
			(this.#lastApply - start) / 1000,
			this.#isNews ? (Date.now() - Date.parse(commit.at)) / 1000 : undefined,
		);
		Object.assign(this.#status, {
			applied: commit.generation,
			appliedAt: new Date().toISOString(),
			refused: null,
			rows: countRows(committed.keys()),
			source,
		});
		if (source === "etcd") {
			this.#cluster = this.#position?.cluster;
			this.#saving ??= setTimeout(() => this.#save(), WRITE_FILE);
		}
		this.#report();
	}

	/** Whether other programs have changed rows. The next commit or listing then compares all, and mends it. */
	hasDrifted(): boolean {
		const drifted = this.#drift.hasDrifted(this.#lastApply);
		if (drifted) this.#isKnown = false;
		return drifted;
	}

	#refuseFor({ generation }: Commit, error: unknown): void {
		const { code, message } = error as { code?: string; message: string };
		// What has no code is no refusal but a mistake of this program.
		if (code === undefined) throw error;
		this.#refuse(generation, code, message);
		if (!(error instanceof Failure && error.kind === "usage"))
			this.#applyIn(RETRY);
	}

	#refuse(generation: number, code: string, message: string): void {
		const refused: Refusal = { generation, code, message };
		// Each try would say the same.
		if (!isDeepStrictEqual(refused, this.#status.refused))
			this.#options.context.warn(
				`generation ${generation} is refused: ${message} (${code})`,
			);
		this.#status.refused = refused;
		this.#report();
	}

	#save(): void {
		const { lastGood, machine, context } = this.#options;
		clearTimeout(this.#saving);
		this.#saving = undefined;
		const commit = this.#accepted;
		// What was refused meanwhile is not good.
		if (commit?.generation !== this.#status.applied) return;
		if (this.#status.refused || this.#cluster === undefined) return;
		try {
			lastGood.write({
				machine,
				cluster: this.#cluster,
				commit,
				rows: this.#mirror.committed,
			});
		} catch (error) {
			context.warn(
				`${lastGood.path} cannot be written: ${(error as NodeJS.ErrnoException).code}`,
			);
		}
	}

	#report(): void {
		this.#options.observer.status(this.#status);
		this.#reporter.report();
	}
}
