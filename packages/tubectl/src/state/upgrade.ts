import { chmodSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Failure } from "@sluice/cli-kit";
import {
	close,
	isFrozen,
	loadObject,
	openPin,
	type Program,
	replaceProgram,
} from "@sluice/maps";
import { makeIndex, openIndex } from "./binding-index.js";
import { Destinations } from "./destinations.js";
import { removeAbandonedLoads } from "./leftovers.js";
import type { Progress } from "./load.js";
import { indexedObject, plainObject } from "./object-file.js";
import { LINK, PIN_MODE, PROGRAM, UPGRADE } from "./pins.js";
import type { Place } from "./place.js";
import { DISPATCHER_VERSION, programVersion } from "./program-version.js";
import { repair } from "./repair.js";
import { openTables, type Tables } from "./tables.js";
import { lockLoaded, settleUpgrade } from "./writer.js";

/**
 * Puts this release's program in the place of the one that runs, which may be another tool's, and keeps all state.
 * No packet passes without a program; a kill between any two steps leaves the old program or the new.
 *
 * @param objects the directory of the compiled programs
 * @param index whether to give it an index, for good; one that has an index keeps it
 * @returns the new program's id, and whether it has an index
 * @throws BpfError EINVAL the pinned tables have another layout, all differences named.
 */
export function upgradeDispatcher(
	place: Place,
	objects: string,
	index = false,
	done: Progress = () => {},
): { id: number; index: boolean } {
	removeAbandonedLoads(place);
	const unlock = lockLoaded(place);
	try {
		settleUpgrade(place);
		refuseNewer(place);
		const tables = openTables(place, { readOnly: false });
		try {
			// Another tool may have left counts that are too high.
			repair(place, tables, new Destinations(tables));
			const isIndexed = index || isFrozen(tables.bindings.fd);
			const id = isIndexed
				? withIndex(place, tables, indexedObject(objects), done)
				: withoutIndex(place, tables, plainObject(objects), done);
			return { id, index: isIndexed };
		} finally {
			tables.close();
		}
	} finally {
		unlock();
	}
}

function withoutIndex(
	{ directory }: Place,
	tables: Tables,
	object: string,
	done: Progress,
): number {
	const loaded = loadObject(object, { reuse: stateMaps(tables) });
	try {
		return swap(directory, loaded.program("dispatcher"), done);
	} finally {
		loaded.close();
	}
}

function withIndex(
	{ directory }: Place,
	tables: Tables,
	object: string,
	done: Progress,
): number {
	const index = openIndex(directory, tables);
	const reuse = { ...stateMaps(tables), ...index };
	const loaded = loadObject(object, { reuse });
	try {
		makeIndex(directory, tables, loaded, done);
		return swap(directory, loaded.program("dispatcher_idx"), done);
	} finally {
		loaded.close();
		for (const fd of Object.values(index)) close(fd);
	}
}

const stateMaps = ({ bindings, destinations, metrics, sockets }: Tables) => ({
	bindings: bindings.fd,
	destinations: destinations.fd,
	destination_metrics: metrics.fd,
	sockets: sockets.fd,
});

/** Pins the program beside the old one, swaps the two in the link, then lets its pin take the old one's place. */
function swap(directory: string, program: Program, done: Progress): number {
	const upgrade = join(directory, UPGRADE);
	rmSync(upgrade, { force: true });
	done("loaded");
	program.pin(upgrade);
	chmodSync(upgrade, PIN_MODE);
	done("pinned");
	const link = openPin(join(directory, LINK));
	replaceProgram(link, program.fd);
	close(link);
	done("replaced");
	renameSync(upgrade, join(directory, PROGRAM));
	done("renamed");
	return program.id;
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
