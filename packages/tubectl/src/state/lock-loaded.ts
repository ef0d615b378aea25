import { type BpfError, lock } from "@sluice/maps";
import { isAlive } from "./leftovers.js";
import { isThere, type Location, notLoaded } from "./location.js";

/** Takes the writers' lock of a dispatcher that is loaded. Returns a function that gives it back. @throws Failure */
export function lockLoaded(location: Location): () => void {
	if (!isThere(location)) throw notLoaded(location);
	const unlock = lockOrNotLoaded(location);
	if (isAlive(location)) return unlock;
	unlock();
	throw notLoaded(location);
}

function lockOrNotLoaded(location: Location): () => void {
	try {
		return lock(location.directory);
	} catch (error) {
		throw (error as BpfError).code === "ENOENT" ? notLoaded(location) : error;
	}
}
