import { join } from "node:path";
import { close, detachLink, lock, openPin } from "@sluice/maps";
import { isLoaded, removeAbandonedLoads } from "./leftovers.js";
import { LINK, removeState } from "./pins.js";
import type { Place } from "./place.js";

/**
 * Removes the dispatcher and all its state. It steers nothing from then on.
 * @returns false where none was loaded
 */
export function unloadDispatcher(place: Place): boolean {
	removeAbandonedLoads(place);
	if (!isLoaded(place)) return false;
	const unlock = lock(place.directory);
	try {
		const link = openPin(join(place.directory, LINK));
		try {
			detachLink(link);
		} finally {
			close(link);
		}
		removeState(place.directory);
	} finally {
		unlock();
	}
	return true;
}
