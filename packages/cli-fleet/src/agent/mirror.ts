import { type Commit, readCommit } from "../rows/commit.js";
import { RowsDigest } from "../rows/digest.js";
import { COMMIT } from "../rows/paths.js";
import type { Rows } from "../rows/rows.js";
import { type Counts, countRows, kindOf } from "./status.js";

/**
 * A machine's rows as the store has them, and as they were at the last commit that they agree with. Rows between two
 * commits are a push that is not complete.
 */
export class Mirror {
	#rows: Rows = new Map();
	#digest = new RowsDigest();
	#commit: string | undefined;
	/** The rows of the last commit; the same map, until a listing brings another one. */
	#accepted: Rows = this.#rows;
	/** What rows of that map were at the last commit, where they were written since. */
	readonly #before = new Map<string, string | undefined>();
	/** Of complete rows, by kind. */
	counts: Counts = { config: 0, tunnels: 0, services: 0 };
	/** Keys of rows that may differ from the applied ones: see `accept`. */
	readonly changed = new Set<string>();

	/** Takes over a listing. The map is the mirror's from now on. */
	replace(rows: Rows): void {
		this.#commit = rows.get(COMMIT);
		rows.delete(COMMIT);
		// Where the last listing was not accepted, the rows before it still are the complete ones.
		if (this.#accepted === this.#rows) this.#accepted = this.committed;
		this.#before.clear();
		this.#rows = rows;
		this.#digest = RowsDigest.of(rows);
	}

	/** Takes over one change. @returns whether it was the commit marker's */
	set(key: string, value: string | undefined): boolean {
		if (key === COMMIT) {
			this.#commit = value;
			return true;
		}
		const before = this.#rows.get(key);
		if (before === value) return false;
		if (before !== undefined) this.#digest.add(key, before, -1);
		if (value === undefined) this.#rows.delete(key);
		else {
			this.#rows.set(key, value);
			this.#digest.add(key, value);
		}
		if (!this.#before.has(key)) this.#before.set(key, before);
		return false;
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

	/** Complete rows, which may be applied. */
	get committed(): Rows {
		if (this.#accepted !== this.#rows || this.#before.size === 0)
			return this.#accepted;
		const rows = new Map(this.#rows);
		for (const [key, value] of this.#before)
			if (value === undefined) rows.delete(key);
			else rows.set(key, value);
		return rows;
	}

	/** Takes the rows for complete. @returns whether they are those of a listing, so that all may differ, not only the changed ones */
	accept(): boolean {
		if (this.#accepted !== this.#rows) {
			this.#accepted = this.#rows;
			this.counts = countRows(this.#rows.keys());
			this.#before.clear();
			return true;
		}
		for (const [key, before] of this.#before) {
			const is = this.#rows.has(key);
			const kind = kindOf(key);
			if (kind) this.counts[kind] += Number(is) - Number(before !== undefined);
			this.changed.add(key);
		}
		this.#before.clear();
		return false;
	}
}
