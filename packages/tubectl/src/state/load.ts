import { mkdirSync, openSync, renameSync } from "node:fs";
import { join } from "node:path";
import { attachToNetns, BpfError, close, lock, pin } from "@sluice/maps";
import {
	isLoaded,
	preparationPath,
	removeAbandonedLoads,
} from "./leftovers.js";
import { isThere, type Location } from "./location.js";
import { loadProgram } from "./object-file.js";
import { LINK, PROGRAM, removeState, setModes } from "./pins.js";

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
	location: Location,
	object: string,
	done: Progress = () => {},
): boolean {
	removeAbandonedLoads(location);
	if (isLoaded(location)) return false;
	const directory = preparationPath(location);
	make(directory);
	const unlock = lock(directory);
	try {
		done("directory");
		prepare(location, object, directory, done);
		return moveIntoPlace(directory, location);
	} finally {
		if (isThere({ ...location, directory })) removeState(directory);
		unlock();
	}
}

function prepare(
	location: Location,
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
		// From here on the dispatcher is active. Without bindings it changes nothing.
		const link = attach(program.fd, location);
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

function attach(programFd: number, { netns }: Location): number {
	const fd = openSync(netns, "r");
	try {
		return attachToNetns(programFd, fd);
	} finally {
		close(fd);
	}
}

/** Renames the prepared directory to its place, which fails if another load was faster. */
function moveIntoPlace(directory: string, location: Location): boolean {
	try {
		renameSync(directory, location.directory);
		return true;
	} catch (cause) {
		const { code = "EIO" } = cause as NodeJS.ErrnoException;
		if (code === "ENOTEMPTY" || code === "EEXIST") return false;
		throw new BpfError(`create ${location.directory}`, code, { cause });
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
