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
const STICKY = 0o1000;
const WRITABLE_BY_OTHERS = 0o022;

/** How long a writer waits for another, in seconds. */
const PATIENCE = 30;
/** Pauses between two attempts double up to this, in milliseconds. */
const LONGEST_PAUSE = 20;

/**
 * Takes the writers' lock: flock on the directory that holds the pins, waited for if another writer has it.
 * Readers never take it. It goes with the process, however that ends.
 *
 * @param patience how long to wait, in seconds
 * @returns a function that gives it back
 * @throws BpfError ENOENT no such directory; EACCES no rights; EPERM another user could change what is in it; ETIMEDOUT
 *   another process kept it, which the message names.
 */
export function lock(directory: string, patience = PATIENCE): () => void {
	const start = performance.now();
	for (let pause = 1; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
		const unlock = tryLock(directory);
		if (unlock) return unlock;
		if (performance.now() - start > 1000 * patience)
			throw new BpfError(`lock ${directory}`, "ETIMEDOUT", {
				because: `${holderText(directory)} has held it for ${patience} s`,
				hint: "try again when it has ended",
			});
		Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pause);
	}
}

/**
 * Takes the writers' lock if nobody has it.
 * @returns undefined where another writer has it
 * @throws BpfError ENOENT, EACCES, EPERM as `lock`
 */
export function tryLock(directory: string): (() => void) | undefined {
	for (;;) {
		const fd = openDirectory(directory);
		const taken = take(fd, directory);
		if (taken && isStill(fd, directory)) return () => closeSync(fd);
		closeSync(fd);
		if (!taken) return undefined;
		// The directory was put away or another put in its place.
	}
}

function take(fd: number, directory: string): boolean {
	if (flock(fd, LOCK_EX | LOCK_NB) === 0) return true;
	const code = errnoName(errno());
	if (code === "EAGAIN") return false;
	closeSync(fd);
	throw new BpfError(`lock ${directory}`, code);
}

function isStill(fd: number, directory: string): boolean {
	const now = statSync(directory, { throwIfNoEntry: false });
	const ours = fstatSync(fd);
	return now?.ino === ours.ino && now.dev === ours.dev;
}

function openDirectory(directory: string): number {
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
		refuseForeign(directory, directory, fstatSync(fd));
		const parent = dirname(directory);
		const stats = statSync(parent);
		// In a sticky directory nobody else can rename or remove ours.
		if ((stats.mode & STICKY) === 0) refuseForeign(directory, parent, stats);
	} catch (error) {
		closeSync(fd);
		throw error;
	}
	return fd;
}

/** Whoever can write to a directory of pins can have us write to maps of theirs. */
function refuseForeign(
	directory: string,
	place: string,
	{ uid, mode }: Stats,
): void {
	const refusal = (because: string, hint: string) =>
		new BpfError(`lock ${directory}`, "EPERM", {
			...{ because, environment: true },
			hint: `look at what is in it, then ${hint} ${place}`,
		});
	if (uid !== 0 && uid !== process.geteuid?.())
		throw refusal(`${place} belongs to user ${uid}`, "chown -R 0:0");
	if ((mode & WRITABLE_BY_OTHERS) !== 0)
		throw refusal(`${place} is writable by others`, "chmod go-w");
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
