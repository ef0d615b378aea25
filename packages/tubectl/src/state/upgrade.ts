import { mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Failure } from "@sluice/cli-kit";
import { close, loadObject, openPin, replaceProgram } from "@sluice/maps";
import { removeAbandonedLoads } from "./leftovers.js";
import type { Progress } from "./load.js";
import { CHANGING, LINK, PROGRAM, UPGRADE } from "./pins.js";
import type { Place } from "./place.js";
import { DISPATCHER_VERSION, programVersion } from "./program-version.js";
import { openTables } from "./tables.js";
import { lockLoaded, settleUpgrade } from "./writer.js";

/**
 * Puts this release's program in the place of the one that runs, which may be another tool's, and keeps all state.
 * No packet passes without a program; a kill between any two steps leaves the old program or the new.
 *
 * @returns the new program's id
 * @throws BpfError EINVAL the pinned tables have another layout, all differences named.
 */
export function upgradeDispatcher(
	place: Place,
	object: string,
	done: Progress = () => {},
): number {
	removeAbandonedLoads(place);
	const unlock = lockLoaded(place);
	try {
		settleUpgrade(place);
		refuseNewer(place);
		return swap(place, object, done);
	} finally {
		unlock();
	}
}

function swap({ directory, ...place }: Place, object: string, done: Progress) {
	const tables = openTables({ directory, ...place }, { readOnly: false });
	const { bindings, destinations, metrics, sockets } = tables;
	const loaded = loadObject(object, {
		reuse: {
			bindings: bindings.fd,
			destinations: destinations.fd,
			destination_metrics: metrics.fd,
			sockets: sockets.fd,
		},
	});
	try {
		const program = loaded.program("dispatcher");
		const upgrade = join(directory, UPGRADE);
		rmSync(upgrade, { force: true });
		done("loaded");
		program.pin(upgrade);
		done("pinned");
		const link = openPin(join(directory, LINK));
		replaceProgram(link, program.fd);
		close(link);
		done("replaced");
		renameSync(upgrade, join(directory, PROGRAM));
		done("renamed");
		// Another tool may have left counts that are too high: the next writer counts anew.
		mkdirSync(join(directory, CHANGING), { recursive: true, mode: 0o700 });
		return program.id;
	} finally {
		loaded.close();
		tables.close();
	}
}

function refuseNewer({ directory }: Place): void {
	const fd = openPin(join(directory, PROGRAM));
	const version = programVersion(fd);
	close(fd);
	if (version !== undefined && version > DISPATCHER_VERSION)
		throw new Failure(
			"failed",
			`the loaded dispatcher has version ${version}, which is newer than ${DISPATCHER_VERSION}`,
			{
				code: "OTHER_VERSION",
				hint: "use the tubectl that loaded it, or a newer one",
			},
		);
}
