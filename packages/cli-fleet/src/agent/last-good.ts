import {
	closeSync,
	fsync,
	mkdirSync,
	openSync,
	readFileSync,
	readSync,
	writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setImmediate as soon } from "node:timers/promises";
import { promisify } from "node:util";
import { privateFile } from "@sluice/cli-kit";
import { type Commit, readCommit } from "../rows/commit.js";
import type { Rows } from "../rows/rows.js";

/** What was applied last, for a machine that boots while the store cannot be reached. */
interface LastGood extends Origin {
	rows: Rows;
}

/** Which rows they are. */
interface Origin {
	machine: string;
	/** The cluster of its store. */
	cluster: string;
	commit: Commit;
}

/** Rows per line: the event loop runs between two lines. */
const LINE = 250;

/** Bytes that contain the first line. */
const FIRST = 4096;

/**
 * A file that is written anew after each apply, and read at the start. It holds the keys, so that only its owner may
 * read it. The first line says which rows they are; each further one has some of them.
 */
export class LastGoodFile {
	readonly #directory: string;
	readonly path: string;

	constructor(directory: string) {
		this.#directory = directory;
		this.path = join(directory, "last.json");
	}

	/** Without the rows. @returns undefined where there is none, or it is damaged */
	origin(): Origin | undefined {
		try {
			const file = openSync(this.path, "r");
			try {
				const bytes = Buffer.alloc(FIRST);
				const length = readSync(file, bytes, 0, FIRST, 0);
				return originOf(bytes.toString("utf8", 0, length));
			} finally {
				closeSync(file);
			}
		} catch {
			return undefined;
		}
	}

	/** @returns undefined where there is none, or it is damaged */
	read(): LastGood | undefined {
		try {
			const text = readFileSync(this.path, "utf8");
			const origin = originOf(text);
			if (!origin) return undefined;
			const [, ...lines] = text.trimEnd().split("\n");
			const rows: Rows = new Map();
			for (const line of lines)
				for (const [key, value] of JSON.parse(line) as [string, string][])
					rows.set(key, value);
			return { ...origin, rows };
		} catch {
			return undefined;
		}
	}

	/** Writes the rows as they are now. Replaced as a whole: after a crash it is the old file or the new one. */
	async write({ rows, ...origin }: LastGood): Promise<void> {
		const now = [...rows];
		mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
		const file = privateFile(this.path);
		try {
			writeFileSync(file.fd, `${JSON.stringify(origin)}\n`);
			for (let from = 0; from < now.length; from += LINE) {
				const line = JSON.stringify(now.slice(from, from + LINE));
				writeFileSync(file.fd, `${line}\n`);
				await soon();
			}
			// Not by `place`, which would wait for the disk.
			await promisify(fsync)(file.fd);
			file.place();
		} finally {
			file.close();
		}
	}
}

/** @param text that begins with the first line */
function originOf(text: string): Origin | undefined {
	const origin = JSON.parse(text.slice(0, text.indexOf("\n"))) as Origin;
	return readCommit(JSON.stringify(origin.commit)) && origin;
}
