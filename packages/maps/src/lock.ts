import { closeSync, constants, fstatSync, openSync, statSync } from "node:fs";
import { BpfError, errnoName } from "./errors.js";
import { errno, flock } from "./libc.js";

const LOCK_EX = 2;
const LOCK_NB = 4;

/**
 * Takes the writers' lock: flock on the directory that holds the pins, waited for if another writer has it.
 * Readers never take it. It goes with the process, however that ends.
 *
 * @returns a function that gives it back
 * @throws BpfError ENOENT no such directory; EACCES no rights.
 */
export function lock(directory: string): () => void {
	for (;;) {
		const fd = openDirectory(directory);
		take(fd, directory, LOCK_EX);
		if (isStill(fd, directory)) return () => closeSync(fd);
		// While we waited, the directory was put away or another put in its place.
		closeSync(fd);
	}
}

/**
 * Takes the writers' lock if nobody has it.
 * @returns undefined where another writer has it
 * @throws BpfError as `lock`
 */
export function tryLock(directory: string): (() => void) | undefined {
	const fd = openDirectory(directory);
	if (take(fd, directory, LOCK_EX | LOCK_NB) && isStill(fd, directory))
		return () => closeSync(fd);
	closeSync(fd);
	return undefined;
}

/** Whether the lock was taken; false only where it is not waited for. */
function take(fd: number, directory: string, operation: number): boolean {
	if (flock(fd, operation) === 0) return true;
	const code = errnoName(errno());
	if (operation & LOCK_NB && code === "EAGAIN") return false;
	closeSync(fd);
	throw new BpfError(`lock ${directory}`, code);
}

function isStill(fd: number, directory: string): boolean {
	const now = statSync(directory, { throwIfNoEntry: false });
	const ours = fstatSync(fd);
	return now?.ino === ours.ino && now.dev === ours.dev;
}

function openDirectory(directory: string): number {
	try {
		return openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
	} catch (cause) {
		throw new BpfError(
			`lock ${directory}`,
			(cause as NodeJS.ErrnoException).code ?? "EIO",
			{ cause, environment: true },
		);
	}
}
