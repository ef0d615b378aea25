import { readdirSync } from "node:fs";
import { join } from "node:path";
import {
	type BpfError,
	close,
	linkInfo,
	lock,
	openPin,
	tryLock,
} from "@sluice/maps";
import { isThere, type Location } from "./location.js";
import { hasLink, LINK, removeState } from "./pins.js";

/** Directories in which `load` prepares a dispatcher. A bpffs takes no name with a dot in it. */
const preparing = ({ inode }: Location) => `${inode}_dispatcher-load-`;

export const preparationPath = (location: Location) =>
	join(location.bpffs, `${preparing(location)}${process.pid}`);

/** Removes the state of a killed `load`: its program would stay attached. */
export function removeAbandonedLoads(location: Location): void {
	for (const name of readdirSync(location.bpffs)) {
		if (!name.startsWith(preparing(location))) continue;
		const directory = join(location.bpffs, name);
		// A `load` that prepares it holds its lock.
		const unlock = tryLockIfThere(directory);
		if (!unlock) continue;
		removeState(directory);
		unlock();
	}
}

/**
 * Whether a dispatcher is loaded. A directory without a link is left by a killed `unload`, and one
 * whose link belongs to no namespace, or to another, outlived a namespace of the same number: both are removed.
 */
export function isLoaded(location: Location): boolean {
	if (!isThere(location)) return false;
	if (isAlive(location)) return true;
	const unlock = lockIfThere(location.directory);
	if (!unlock) return false;
	if (!isAlive(location)) removeState(location.directory);
	unlock();
	return isThere(location);
}

/** Names of the directories that a dispatcher and a `load` under way have. */
const STATE = /^(\d+)_dispatcher(?:-load-\d+)?$/;

/**
 * Removes the dispatchers of network namespaces that are gone, and what a `load` or `unload` that was killed has left,
 * of every namespace.
 *
 * @returns the directories that were removed
 */
export function removeLeftovers(bpffs: string): string[] {
	return readdirSync(bpffs)
		.map((name) => ({ name, inode: Number(STATE.exec(name)?.[1]) }))
		.filter(({ inode }) => !Number.isNaN(inode))
		.map(({ name, inode }) => ({ directory: join(bpffs, name), inode }))
		.filter(removeIfDead)
		.map(({ directory }) => directory);
}

type State = Pick<Location, "directory" | "inode">;

function removeIfDead(state: State): boolean {
	// A `load` that prepares it, or a writer, holds its lock.
	const unlock = tryLockIfThere(state.directory);
	if (!unlock) return false;
	try {
		const isPreparation = !state.directory.endsWith("_dispatcher");
		if (!isPreparation && isAlive(state)) return false;
		removeState(state.directory);
		return true;
	} finally {
		unlock();
	}
}

/** Whether a reader knows that the directory outlived its namespace. A reader without rights to the link cannot know. */
export function isKnownDead({ directory, inode }: State): boolean {
	try {
		return attachedTo(directory) !== inode;
	} catch (error) {
		return (error as BpfError).code === "ENOENT";
	}
}

/** Whether the link in the directory attaches a program to the location's namespace. */
export const isAlive = ({ directory, inode }: State) =>
	hasLink(directory) && attachedTo(directory) === inode;

/** Inode of the network namespace of the directory's link; 0: the namespace was deleted. */
function attachedTo(directory: string): number {
	const link = openPin(join(directory, LINK));
	const { netnsInode } = linkInfo(link);
	close(link);
	return netnsInode;
}

const tryLockIfThere = (directory: string) =>
	unlessMissing(() => tryLock(directory));
const lockIfThere = (directory: string) => unlessMissing(() => lock(directory));

function unlessMissing<T>(open: () => T): T | undefined {
	try {
		return open();
	} catch (error) {
		if ((error as BpfError).code === "ENOENT") return undefined;
		throw error;
	}
}
