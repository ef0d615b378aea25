import type { KeyValue } from "../etcd/key-value.js";
import { type Commit, readCommit } from "../rows/commit.js";
import { RowsDigest } from "../rows/digest.js";
import { COMMIT } from "../rows/paths.js";
import type { Rows } from "../rows/rows.js";
import { type Counts, kindOf } from "./status.js";

/**
 * A machine's rows as the store has them, and as they were at the last commit that they agree with. Rows between two
 * commits are a push that is not complete.
 */
export class Mirror {
	#rows: Rows = new Map();
	#digest = new RowsDigest();
	#commit: string | undefined;
	/** Keys of rows that differ from those of the last commit. */
	#touched = new Set<string>();
	/** Complete rows, which may be applied. */
	readonly committed: Rows = new Map();
	/** Of them, by kind. */
	readonly counts: Counts = { config: 0, tunnels: 0, services: 0 };
	/** Keys of rows that may differ from the applied ones. */
	readonly changed = new Set<string>();

	/** Takes over a listing. */
	replace(rows: ReadonlyMap<string, KeyValue>): void {
		const before = this.#rows;
		this.#rows = new Map();
		this.#digest = new RowsDigest();
		this.#commit = undefined;
		for (const [key, { value }] of rows) this.#set(key, value);
		for (const key of before.keys())
			if (!this.#rows.has(key)) this.#touched.add(key);
	}

	/** Takes over one change. @returns whether it was the commit marker's */
	set(key: string, value: string | undefined): boolean {
		this.#set(key, value);
		return key === COMMIT;
	}

	#set(key: string, value: string | undefined): void {
		if (key === COMMIT) {
			this.#commit = value;
			return;
		}
		const before = this.#rows.get(key);
		if (before === value) {
			this.#touched.add(key);
			return;
		}
		if (before !== undefined) this.#digest.add(key, before, -1);
		if (value === undefined) this.#rows.delete(key);
		else {
			this.#rows.set(key, value);
			this.#digest.add(key, value);
		}
		this.#touched.add(key);
	}

	/** Whether there is a commit marker, readable or not. */
	get hasCommit(): boolean {
		return this.#commit !== undefined;
	}

	get commit(): Commit | undefined {
		return readCommit(this.#commit);
	}

	/** Whether the rows are those that the commit was made of. */
	agreesWith({ rows, sha256 }: Commit): boolean {
		return this.#digest.count === rows && this.#digest.hex() === sha256;
	}

	/** Takes the rows for complete. */
	accept(): void {
		for (const key of this.#touched) {
			const value = this.#rows.get(key);
			const before = this.committed.get(key);
			if (before === value) continue;
			if (value === undefined) this.committed.delete(key);
			else this.committed.set(key, value);
			const kind = kindOf(key);
			if (kind)
				this.counts[kind] +=
					Number(value !== undefined) - Number(before !== undefined);
			this.changed.add(key);
		}
		this.#touched.clear();
	}
}
