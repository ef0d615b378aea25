import { join } from "node:path";
import { Failure, type Guard } from "@sluice/cli-kit";
import { close, openPin, programInfo } from "@sluice/maps";
import { writable } from "./indexed-trie.js";
import { isAlive, isKnownDead } from "./leftovers.js";
import { isMarked, PROGRAM } from "./pins.js";
import { isThere, leftover, notLoaded, type Place, placeOf } from "./place.js";
import { demandVersion } from "./program-version.js";
import { repair } from "./repair.js";
import { linkedProgramId, settleUpgrade } from "./settle-upgrade.js";

/** Stands before the tables of a dispatcher. */
export const guard: Guard = {
	beforeReading(context) {
		const place = placeOf(context);
		if (!isThere(place)) throw notLoaded(place);
		if (isKnownDead(place)) throw leftover(place);
	},
	beforeWriting(context) {
		const place = placeOf(context);
		if (!isAlive(place)) throw notLoaded(place);
		settleUpgrade(place);
		checkProgram(place);
		if (isMarked(place.directory)) repair(place);
	},
	// Another tool may have changed counts since the writer was killed.
	recovered: (context) => repair(placeOf(context)),
	writable: (context, table, open) =>
		writable(table, open, context.pinDirectory),
};

function checkProgram({ directory }: Place): void {
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
