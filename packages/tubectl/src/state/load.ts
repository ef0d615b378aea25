import { mkdirSync, openSync, renameSync } from "node:fs";
import { join } from "node:path";
import { attachToNetns, BpfError, close, lock, pin } from "@sluice/maps";
import {
	isLoaded,
	preparationPath,
	removeAbandonedLoads,
} from "./leftovers.js";
import { loadProgram } from "./object-file.js";
import { LINK, PROGRAM, removeState, setModes } from "./pins.js";
import { isThere, type Place } from "./place.js";

/** Called with the name of each step when it is done: a test kills the process there. */
export type Progress = (step: string) => void;

/**
 * Loads the dispatcher into a network namespace: all of it or nothing. It is prepared in a directory of its own, and
 * the last step is a rename.
 *
 * @param object file of the compiled program
 * @returns false where it was loaded already
 * @throws BpfError as `loadObject` and `attachToNetns`.
 */
export function loadDispatcher(
	place: Place,
	object: string,
	done: Progress = () => {},
): boolean {
	removeAbandonedLoads(place);
	if (isLoaded(place)) return false;
	const directory = preparationPath(place);
	make(directory);
	const unlock = lock(directory);
	try {
		done("directory");
		prepare(place, object, directory, done);
		return takePlace(directory, place);
	} finally {
		if (isThere({ ...place, directory })) removeState(directory);
		unlock();
	}
}

function prepare(
	place: Place,
	object: string,
	directory: string,
	done: Progress,
): void {
	const loaded = loadProgram(object, false, { pinDirectory: directory });
	try {
		done("maps");
		const program = loaded.program("dispatcher");
		program.pin(join(directory, PROGRAM));
		done("program");
		// From here on the dispatcher is active, with no binding yet: all traffic goes on as before.
		const link = attach(program.fd, place);
		done("attached");
		pin(link, join(directory, LINK));
		close(link);
		done("link");
		setModes(directory);
		done("modes");
	} finally {
		loaded.close();
	}
}

function attach(programFd: number, { netns }: Place): number {
	const fd = openSync(netns, "r");
	try {
		return attachToNetns(programFd, fd);
	} finally {
		close(fd);
	}
}

/** Renames the prepared directory to its place, which fails if another load was faster. */
function takePlace(directory: string, place: Place): boolean {
	try {
		renameSync(directory, place.directory);
		return true;
	} catch (cause) {
		const { code = "EIO" } = cause as NodeJS.ErrnoException;
		if (code === "ENOTEMPTY" || code === "EEXIST") return false;
		throw new BpfError(`create ${place.directory}`, code, { cause });
	}
}

function make(directory: string): void {
	try {
		mkdirSync(directory, { mode: 0o700 });
	} catch (cause) {
		throw new BpfError(
			`create ${directory}`,
			(cause as NodeJS.ErrnoException).code ?? "EIO",
			{ cause, environment: true },
		);
	}
}
