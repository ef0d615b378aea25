import {
	closeSync,
	constants,
	fsyncSync,
	lstatSync,
	openSync,
	renameSync,
	rmSync,
} from "node:fs";
import { Failure } from "./failure.js";
import { fileCause } from "./file-cause.js";
import { writeAll } from "./real-env.js";

/** A new file that only its owner may read, under a temporary name in the directory of its path. */
export interface PrivateFile {
	readonly fd: number;
	/** Renames it to its path: an existing file or symbolic link is replaced in one step. The descriptor stays open. */
	place(): void;
	/** Closes it; one that was not placed is removed. */
	close(): void;
}

/**
 * Begins a file that holds secrets. What exists at `file` is neither followed, where it is a symbolic link, nor written
 * to, so its mode does not matter. A pipe or a device is written to as it is.
 *
 * @throws Failure failed
 */
export function privateFile(file: string): PrivateFile {
	const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
	const failing = <T>(act: () => T): T => {
		try {
			return act();
		} catch (cause) {
			throw writeFailure(file, cause);
		}
	};
	const stats = failing(() => lstatSync(file, { throwIfNoEntry: false }));
	if (stats?.isDirectory()) throw writeFailure(file, { code: "EISDIR" });
	if (stats && !stats.isFile() && !stats.isSymbolicLink()) {
		const fd = failing(() => openSync(file, O_WRONLY | O_NOFOLLOW));
		return { fd, place() {}, close: () => closeSync(fd) };
	}
	const beside = `${file}.${process.pid}.new`;
	const fd = failing(() => {
		// What a killed process of the same number has left.
		rmSync(beside, { force: true });
		return openSync(beside, O_WRONLY | O_CREAT | O_EXCL, 0o600);
	});
	let placed = false;
	return {
		fd,
		place() {
			failing(() => {
				fsyncSync(fd);
				renameSync(beside, file);
			});
			placed = true;
		},
		close() {
			closeSync(fd);
			if (!placed) rmSync(beside, { force: true });
		},
	};
}

/**
 * Writes a whole file that only its owner may read. It has its name once all of it is written.
 * @throws Failure failed
 */
export function writePrivately(
	file: string,
	write: (out: (text: string) => void) => void,
): void {
	const target = privateFile(file);
	try {
		write((text) => writeAll(target.fd, Buffer.from(text)));
		target.place();
	} catch (error) {
		throw error instanceof Failure ? error : writeFailure(file, error);
	} finally {
		target.close();
	}
}

/** The error of a file that cannot be written. */
function writeFailure(file: string, cause: unknown): Failure {
	const { code = "EIO" } = cause as NodeJS.ErrnoException;
	return new Failure(
		"failed",
		`write ${file}: ${fileCause(cause, "no such directory")}`,
		{ code, cause },
	);
}
