import { isDeepStrictEqual } from "node:util";
import { type Context, Failure } from "@sluice/cli-kit";
import { lastApplied, openApplied } from "@sluice/machine";
import type { Commit } from "../rows/commit.js";
import { apply } from "./apply.js";
import { DriftCheck } from "./drift-check.js";
import { mayGoBack } from "./going-back.js";
import type { LastGoodFile } from "./last-good.js";
import type { Mirror } from "./mirror.js";
import type { AgentStatus, Refusal } from "./status.js";

/** Milliseconds between two applies. */
const QUIET = 20;

/** Milliseconds until rows are applied again that this machine could not take: an interface may come yet. */
const RETRY = 5000;

/** Milliseconds after an apply until the file is written: not for each of many. */
const WRITE_FILE = 1000;

export interface ApplierOptions {
	machine: string;
	lastGood: LastGoodFile;
	context: Context;
	mirror: Mirror;
	/** Is brought up to date. */
	status: AgentStatus;
	/** @param latency seconds since the push, by its own clock; undefined: it was listed, not watched */
	applied(seconds: number, latency: number | undefined): void;
	/** The status is another one. */
	changed(): void;
}

/** A commit that the mirror's rows agree with. */
export interface Accepted {
	commit: Commit;
	/** It was watched, not listed. */
	isNews: boolean;
	/** The cluster that it is of; undefined: the rows are those of the file. */
	cluster: string | undefined;
}

/** Applies the accepted rows of one machine, and keeps them in a file for a boot without the store. */
export class Applier {
	readonly #options: ApplierOptions;
	/** The cluster of the rows that were applied last; undefined: unknown. */
	#cluster: string | undefined;
	/** Which rows differ from the kernel's is known. */
	#isKnown = false;
	#accepted: Accepted | undefined;
	#applying: NodeJS.Timeout | undefined;
	#lastApply = Number.NEGATIVE_INFINITY;
	/** Begins to write the file. */
	#saving: NodeJS.Timeout | undefined;
	/** The file is being written. */
	#saved: Promise<void> = Promise.resolve();
	readonly #drift: DriftCheck;

	constructor(options: ApplierOptions) {
		this.#options = options;
		this.#drift = new DriftCheck(options.context);
	}

	/** Takes over what the kernel has, or applies the last good file where it has nothing. */
	boot(): void {
		const { context, lastGood, machine, mirror, status } = this.#options;
		const record = openApplied(context, { readOnly: true });
		const last = lastApplied(record);
		record.close();
		this.#cluster = lastGood.origin()?.cluster;
		if (last) {
			status.applied = Number(last.generation);
			status.source = "kernel";
			return;
		}
		const file = lastGood.read();
		if (!file || file.machine !== machine) return;
		mirror.replace(file.rows);
		mirror.accept();
		if (!mirror.agreesWith(file.commit)) {
			context.warn(`${lastGood.path} is damaged, and was not applied`);
			return;
		}
		this.#accepted = {
			commit: { ...file.commit, deletes: 0 },
			isNews: false,
			cluster: undefined,
		};
		this.#apply();
		context.warn(
			`generation ${file.commit.generation} applied from ${lastGood.path}: the tables were empty`,
		);
	}

	/** What was applied last. */
	get last() {
		return {
			generation: this.#options.status.applied,
			cluster: this.#cluster,
		};
	}

	/** Applies at once, or a short time after the last apply, so that successive commits are applied together. */
	accept(accepted: Accepted): void {
		if (this.#options.mirror.accept()) this.#isKnown = false;
		this.#accepted = accepted;
		const rest = this.#lastApply + QUIET - performance.now();
		if (rest > 0) this.#applyIn(rest);
		else this.#apply();
	}

	#applyIn(milliseconds: number): void {
		clearTimeout(this.#applying);
		this.#applying = setTimeout(() => this.#apply(), milliseconds);
	}

	#apply(): void {
		clearTimeout(this.#applying);
		const { machine, context, mirror, status } = this.#options;
		if (!this.#accepted) return;
		const { commit, isNews, cluster } = this.#accepted;
		const { committed: rows, counts, changed } = mirror;
		const start = performance.now();
		try {
			apply(
				{
					...{ machine, rows, counts, commit },
					changed: this.#isKnown ? changed : undefined,
					allowOlder: mayGoBack(commit, this.last),
				},
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
		this.#options.applied(
			(this.#lastApply - start) / 1000,
			isNews ? (Date.now() - Date.parse(commit.at)) / 1000 : undefined,
		);
		Object.assign(status, {
			applied: commit.generation,
			appliedAt: new Date().toISOString(),
			refused: null,
			rows: { ...counts },
			source: cluster === undefined ? "file" : "etcd",
		});
		if (cluster !== undefined) {
			this.#cluster = cluster;
			this.#saving ??= setTimeout(() => this.#saveNext(), WRITE_FILE);
		}
		this.#options.changed();
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
		this.refuse({ generation, code, message });
		if (!(error instanceof Failure && error.kind === "usage"))
			this.#applyIn(RETRY);
	}

	/** The tables stay. */
	refuse(refused: Refusal): void {
		const { status, context, changed } = this.#options;
		const { generation, code, message } = refused;
		// Each try would say the same.
		if (!isDeepStrictEqual(refused, status.refused))
			context.warn(`generation ${generation} is refused: ${message} (${code})`);
		status.refused = refused;
		changed();
	}

	/** Stops, and writes the file where it is behind. */
	async close(): Promise<void> {
		clearTimeout(this.#applying);
		if (this.#saving) this.#saveNext();
		await this.#saved;
	}

	#saveNext(): void {
		clearTimeout(this.#saving);
		this.#saving = undefined;
		this.#saved = this.#saved.then(() => this.#save());
	}

	async #save(): Promise<void> {
		const { lastGood, machine, context, mirror, status } = this.#options;
		const commit = this.#accepted?.commit;
		// What was refused meanwhile is not good.
		if (commit?.generation !== status.applied) return;
		if (status.refused || this.#cluster === undefined) return;
		try {
			await lastGood.write({
				machine,
				cluster: this.#cluster,
				commit,
				rows: mirror.committed,
			});
		} catch (error) {
			context.warn(
				`${lastGood.path} cannot be written: ${(error as NodeJS.ErrnoException).code}`,
			);
		}
	}
}
