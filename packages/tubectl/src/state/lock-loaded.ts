import { type BpfError, lock } from "@sluice/maps";
import { isAlive } from "./leftovers.js";
import { isThere, notLoaded, type Place } from "./place.js";

/** Takes the writers' lock of a dispatcher that is loaded. Returns a function that gives it back. @throws Failure */
export function lockLoaded(place: Place): () => void {
	if (!isThere(place)) throw notLoaded(place);
	const unlock = lockOrNotLoaded(place);
	if (isAlive(place)) return unlock;
	unlock();
	throw notLoaded(place);
}

function lockOrNotLoaded(place: Place): () => void {
	try {
		return lock(place.directory);
	} catch (error) {
		throw (error as BpfError).code === "ENOENT" ? notLoaded(place) : error;
	}
}
