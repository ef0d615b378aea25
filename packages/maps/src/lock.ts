import { closeSync, constants, openSync } from "node:fs";
import { BpfError, errnoName } from "./errors.js";
import { errno, flock } from "./libc.js";

const LOCK_EX = 2;

/**
 * Takes the writers' lock: flock on the directory that holds the pins, waited for if another writer has it.
 * Readers never take it. It goes with the process, however that ends.
 *
 * @returns a function that gives it back
 * @throws BpfError ENOENT no such directory; EACCES no rights.
 */
export function lock(directory: string): () => void {
	const fd = openDirectory(directory);
	if (flock(fd, LOCK_EX) < 0) {
		const code = errnoName(errno());
		closeSync(fd);
		throw new BpfError(`lock ${directory}`, code);
	}
	return () => closeSync(fd);
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
