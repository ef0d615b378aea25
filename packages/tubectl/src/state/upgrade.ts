import { chmodSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Failure } from "@sluice/cli-kit";
import {
	close,
	isFrozen,
	type LoadedObject,
	openPin,
	openTable,
	pin,
	replaceProgram,
} from "@sluice/maps";
import {
	copyTrie,
	makeIndex,
	openIndex,
	removeIndex,
} from "./binding-index.js";
import { completeChange } from "./complete-change.js";
import { removeAbandonedLoads } from "./leftovers.js";
import type { Progress } from "./load.js";
import type { Location } from "./location.js";
import { lockLoaded } from "./lock-loaded.js";
import { loadProgram } from "./object-file.js";
import {
	LINK,
	PIN_MODE,
	PROGRAM,
	removeOldIndex,
	TRIE_UPGRADE,
	UPGRADE,
} from "./pins.js";
import { DISPATCHER_VERSION, programVersion } from "./program-version.js";
import { repair } from "./repair.js";
import { settleUpgrade } from "./settle-upgrade.js";
import { openTables, type Tables } from "./tables.js";

/** What an upgrade does about the index: `keep` leaves it as it is. */
export type Index = "keep" | "make" | "remove";

/**
 * Replaces the running program, which may be another tool's, by this release's, and keeps all state.
 * No packet passes without a program; a kill between any two steps leaves the old program or the new.
 *
 * @param object file of the compiled program
 * @returns the new program's id, and whether it has an index
 * @throws BpfError EINVAL the pinned tables have another layout, all differences named.
 */
export function upgradeDispatcher(
	location: Location,
	object: string,
	index: Index = "keep",
	done: Progress = () => {},
): { id: number; index: boolean } {
	removeAbandonedLoads(location);
	const unlock = lockLoaded(location);
	try {
		settleUpgrade(location);
		refuseNewer(location);
		completeChange(location);
		// Another tool may have left counts that are too high.
		repair(location);
		const tables = openTables((table) => openTable(table, location.directory));
		try {
			const hasIndex = isFrozen(tables.bindings.fd);
			const isIndexed = index === "make" || (index === "keep" && hasIndex);
			const id = isIndexed
				? withIndex(location, tables, object, done)
				: withoutIndex(location, tables, object, done);
			return { id, index: isIndexed };
		} finally {
			tables.close();
		}
	} finally {
		unlock();
	}
}

function withoutIndex(
	location: Location,
	tables: Tables,
	object: string,
	done: Progress,
): number {
	const { bindings, ...others } = stateMaps(tables);
	// A frozen trie stays frozen.
	const isFresh = isFrozen(bindings);
	const reuse = isFresh ? others : { bindings, ...others };
	const loaded = loadProgram(object, false, { reuse });
	try {
		const trie = isFresh ? copyTrie(tables, loaded) : undefined;
		const id = swap(location, loaded, trie, done);
		removeIndex(location.directory);
		return id;
	} finally {
		loaded.close();
	}
}

function withIndex(
	location: Location,
	tables: Tables,
	object: string,
	done: Progress,
): number {
	const { directory } = location;
	const index = openIndex(directory, tables);
	const reuse = { ...stateMaps(tables), ...index };
	const loaded = loadProgram(object, true, { reuse });
	try {
		makeIndex(directory, tables, loaded, done);
		const id = swap(location, loaded, undefined, done);
		removeOldIndex(directory);
		return id;
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

/**
 * Pins the program, and its trie where that is a new one, beside the old; swaps the programs in the link; then lets the
 * pins take the places of the old ones.
 */
function swap(
	location: Location,
	loaded: LoadedObject,
	trie: number | undefined,
	done: Progress,
): number {
	const { directory } = location;
	const program = loaded.program("dispatcher");
	removeUpgradePins(directory);
	done("loaded");
	if (trie !== undefined) pinAs(trie, join(directory, TRIE_UPGRADE));
	pinAs(program.fd, join(directory, UPGRADE));
	done("pinned");
	const link = openPin(join(directory, LINK));
	replaceProgram(link, program.fd);
	close(link);
	done("replaced");
	settleUpgrade(location);
	done("renamed");
	return program.id;
}

function removeUpgradePins(directory: string): void {
	for (const name of [UPGRADE, TRIE_UPGRADE])
		rmSync(join(directory, name), { force: true });
}

function pinAs(fd: number, path: string): void {
	pin(fd, path);
	chmodSync(path, PIN_MODE);
}

function refuseNewer({ directory }: Location): void {
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
