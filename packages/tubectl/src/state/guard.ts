import { join } from "node:path";
import { Failure, type Guard } from "@sluice/cli-kit";
import { close, openPin, programInfo } from "@sluice/maps";
import { writable } from "./indexed-trie.js";
import { isAlive, isKnownDead } from "./leftovers.js";
import {
	isThere,
	type Location,
	leftover,
	locationOf,
	notLoaded,
} from "./location.js";
import { isMarked, PROGRAM } from "./pins.js";
import { demandVersion } from "./program-version.js";
import { repair } from "./repair.js";
import { linkedProgramId, settleUpgrade } from "./settle-upgrade.js";

/** Stands before the tables of a dispatcher. */
export const guard: Guard = {
	beforeReading(context) {
		const location = locationOf(context);
		if (!isThere(location)) throw notLoaded(location);
		if (isKnownDead(location)) throw leftover(location);
	},
	beforeWriting(context) {
		const location = locationOf(context);
		if (!isAlive(location)) throw notLoaded(location);
		settleUpgrade(location);
		checkProgram(location);
		if (isMarked(location.directory)) repair(location);
	},
	// Another tool may have changed counts since the writer was killed.
	recovered: (context) => repair(locationOf(context)),
	writable: (context, table, open) =>
		writable(table, open, context.pinDirectory),
};

function checkProgram({ directory }: Location): void {
	const path = join(directory, PROGRAM);
	const fd = openPin(path);
	try {
		if (programInfo(fd).id !== linkedProgramId(directory))
			throw new Failure("failed", `${path} is not the program that runs`, {
				hint: 'replace it with "tubectl upgrade"',
			});
		demandVersion(fd);
	} finally {
		close(fd);
	}
}
