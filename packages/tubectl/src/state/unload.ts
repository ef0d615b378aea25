import { join } from "node:path";
import { close, detachLink, lock, openPin } from "@sluice/maps";
import { isLoaded, removeAbandonedLoads } from "./leftovers.js";
import type { Location } from "./location.js";
import { LINK, removeState } from "./pins.js";

/**
 * Removes the dispatcher and all its state. It steers nothing from then on.
 * @returns false where none was loaded
 */
export function unloadDispatcher(location: Location): boolean {
	removeAbandonedLoads(location);
	if (!isLoaded(location)) return false;
	const unlock = lock(location.directory);
	try {
		const link = openPin(join(location.directory, LINK));
		try {
			detachLink(link);
		} finally {
			close(link);
		}
		removeState(location.directory);
	} finally {
		unlock();
	}
	return true;
}
