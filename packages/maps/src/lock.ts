import {
	closeSync,
	constants,
	fstatSync,
	openSync,
	readFileSync,
	type Stats,
	statSync,
} from "node:fs";
import { dirname } from "node:path";
import { BpfError, errnoName } from "./errors.js";
import { errno, flock } from "./libc.js";

const LOCK_EX = 2;
const LOCK_NB = 4;
const LOCK_UN = 8;
const STICKY = 0o1000;
const WRITABLE_BY_OTHERS = 0o022;

/** How long a writer waits for another, in seconds. */
const PATIENCE = 30;
/** Pauses between two attempts double up to this, in milliseconds. */
const LONGEST_PAUSE = 20;

/**
 * The writers' lock of a pin directory: flock on the directory. Readers never take it. It ends with the process, however
 * that ends.
 *
 * The directory stays open from one `take` to the next, until `close`.
 */
export class WritersLock {
	readonly #directory: string;
	#open: OpenDirectory | undefined;

	constructor(directory: string) {
		this.#directory = directory;
	}

	/**
	 * Takes the lock; waits while another writer has it.
	 *
	 * @param patience how long to wait, in seconds
	 * @returns the state of the directory under the lock
	 * @throws BpfError ENOENT no such directory; EACCES no rights; EPERM another user could change what is in it;
	 *   ETIMEDOUT another process held it all the time, which the message names.
	 */
	take(patience = PATIENCE): Stats {
		const first = this.tryTake();
		if (first) return first;
		// Not by performance.now(): Node would load a module for it, which takes as long as a change.
		const end = process.hrtime.bigint() + BigInt(Math.round(1e9 * patience));
		for (let pause = 1; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
			const stats = this.tryTake();
			if (stats) return stats;
			if (process.hrtime.bigint() > end) {
				this.close();
				throw new BpfError(`lock ${this.#directory}`, "ETIMEDOUT", {
					because: `${holderText(this.#directory)} has held it for ${patience} s`,
					hint: "try again when it has ended",
				});
			}
			Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pause);
		}
	}

	/**
	 * Takes the lock if no other writer has it.
	 * @returns undefined where another writer has it
	 * @throws BpfError ENOENT, EACCES, EPERM as `take`
	 */
	tryTake(): Stats | undefined {
		try {
			for (;;) {
				this.#open ??= openDirectory(this.#directory);
				if (!takeFlock(this.#open.fd, this.#directory)) return undefined;
				const now = statSync(this.#directory, { throwIfNoEntry: false });
				if (now?.ino === this.#open.ino && now.dev === this.#open.dev) {
					// Since it was opened, its owner or mode may have changed.
					refuseForeign(this.#directory, this.#directory, now);
					return now;
				}
				// The directory was removed, or another one has its name.
				this.close();
			}
		} catch (error) {
			this.close();
			throw error;
		}
	}

	/** Gives the lock back. */
	release(): void {
		if (this.#open) flock(this.#open.fd, LOCK_UN);
	}

	/** Gives the lock back, and closes the directory. */
	close(): void {
		if (this.#open) closeSync(this.#open.fd);
		this.#open = undefined;
	}
}

/**
 * Takes the writers' lock once.
 * @returns a function that gives it back
 * @throws BpfError as `WritersLock.take`
 */
export function lock(directory: string, patience = PATIENCE): () => void {
	const one = new WritersLock(directory);
	one.take(patience);
	return () => one.close();
}

/**
 * As `lock`, if no other writer has it.
 * @returns undefined where another writer has it
 * @throws BpfError ENOENT, EACCES, EPERM as `WritersLock.take`
 */
export function tryLock(directory: string): (() => void) | undefined {
	const one = new WritersLock(directory);
	if (one.tryTake()) return () => one.close();
	one.close();
	return undefined;
}

function takeFlock(fd: number, directory: string): boolean {
	if (flock(fd, LOCK_EX | LOCK_NB) === 0) return true;
	const code = errnoName(errno());
	if (code === "EAGAIN") return false;
	throw new BpfError(`lock ${directory}`, code);
}

interface OpenDirectory {
	fd: number;
	dev: number;
	ino: number;
}

function openDirectory(directory: string): OpenDirectory {
	let fd: number;
	try {
		fd = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
	} catch (cause) {
		throw new BpfError(
			`lock ${directory}`,
			(cause as NodeJS.ErrnoException).code ?? "EIO",
			{ cause, environment: true },
		);
	}
	try {
		const own = fstatSync(fd);
		refuseForeign(directory, directory, own);
		const parent = dirname(directory);
		const stats = statSync(parent);
		// In a sticky directory no other user can rename or remove ours.
		if ((stats.mode & STICKY) === 0) refuseForeign(directory, parent, stats);
		return { fd, dev: own.dev, ino: own.ino };
	} catch (error) {
		closeSync(fd);
		throw error;
	}
}

/** A user who can write to the pin directory could make us write to other maps. */
function refuseForeign(
	directory: string,
	path: string,
	{ uid, mode }: Stats,
): void {
	const refusal = (because: string, hint: string) =>
		new BpfError(`lock ${directory}`, "EPERM", {
			...{ because, environment: true },
			hint: `look at what is in it, then ${hint} ${path}`,
		});
	if (uid !== 0 && uid !== process.geteuid?.())
		throw refusal(`${path} belongs to user ${uid}`, "chown -R 0:0");
	if ((mode & WRITABLE_BY_OTHERS) !== 0)
		throw refusal(`${path} is writable by others`, "chmod go-w");
}

/** The processes that hold a directory's lock, as /proc/locks has them. */
export function lockHolders(directory: string): number[] {
	const stats = statSync(directory, { throwIfNoEntry: false });
	if (!stats) return [];
	// 1: FLOCK  ADVISORY  WRITE 2463 00:1c:5 0 EOF
	return readFileSync("/proc/locks", "utf8")
		.split("\n")
		.map((line) => line.split(/\s+/))
		.filter(
			([, kind, , , , file]) =>
				kind === "FLOCK" && file?.endsWith(`:${stats.ino}`),
		)
		.map(([, , , , pid]) => Number(pid))
		.filter((pid) => pid > 0);
}

/** "process 12 (flock)"; the processes of another PID namespace have no number here. */
function holderText(directory: string): string {
	const [pid] = lockHolders(directory);
	if (pid === undefined) return "another process";
	return `process ${pid} (${nameOf(pid)})`;
}

function nameOf(pid: number): string {
	try {
		return readFileSync(`/proc/${pid}/comm`, "utf8").trim();
	} catch {
		return "ended";
	}
}
