import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writePrivately } from "@sluice/cli-kit";
import { type Commit, readCommit } from "../rows/commit.js";
import type { Rows } from "../rows/rows.js";

/** What was applied last, for a machine that boots while the store cannot be reached. */
interface LastGood {
	machine: string;
	/** The cluster of its store. */
	cluster: string;
	commit: Commit;
	rows: Rows;
}

/**
 * A file that is written anew after each apply, and read at the start. It holds the keys, so that only its owner may
 * read it.
 */
export class LastGoodFile {
	readonly #directory: string;
	readonly path: string;

	constructor(directory: string) {
		this.#directory = directory;
		this.path = join(directory, "last.json");
	}

	/** @returns undefined where there is none, or it is damaged */
	read(): LastGood | undefined {
		try {
			const { rows, commit, ...rest } = JSON.parse(
				readFileSync(this.path, "utf8"),
			) as Omit<LastGood, "rows"> & { rows: [string, string][] };
			if (!readCommit(JSON.stringify(commit))) return undefined;
			return { ...rest, commit, rows: new Map(rows) };
		} catch {
			return undefined;
		}
	}

	/** Replaced as a whole: after a crash it is the old file or the new one. */
	write({ rows, ...rest }: LastGood): void {
		mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
		writePrivately(this.path, (out) =>
			out(JSON.stringify({ ...rest, rows: [...rows] })),
		);
	}
}
