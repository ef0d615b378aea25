import { lock } from "@sluice/maps";
import { isLoaded, removeAbandonedLoads } from "./leftovers.js";
import { removeState } from "./pins.js";
import type { Place } from "./place.js";

/**
 * Removes the dispatcher and all its state.
 * @returns false where none was loaded
 */
export function unloadDispatcher(place: Place): boolean {
	removeAbandonedLoads(place);
	if (!isLoaded(place)) return false;
	const unlock = lock(place.directory);
	try {
		removeState(place.directory);
	} finally {
		unlock();
	}
	return true;
}
