import {
	chmodSync,
	existsSync,
	readdirSync,
	rmdirSync,
	rmSync,
	statSync,
} from "node:fs";
import { join } from "node:path";

/** Names of the pins that are not tables. */
export const PROGRAM = "program";
export const LINK = "link";
/** The new program during an upgrade. */
export const UPGRADE = "program-upgrade";

/** The new trie during an upgrade that removes an index. */
export const TRIE = "bindings";
export const TRIE_UPGRADE = "bindings-upgrade";

/** Where release 0.1.0 has the pins of an index. */
export function removeOldIndex(directory: string): void {
	const old = join(directory, "index");
	if (existsSync(old)) removeFlat(old);
}

/** A directory that release 0.1.0 leaves where a writer is killed: the counts of destinations may be too high. */
const markOf = (directory: string) => join(directory, "changing");

export const isMarked = (directory: string) => existsSync(markOf(directory));

export function removeMark(directory: string): void {
	if (isMarked(directory)) rmdirSync(markOf(directory));
}

/** Owner and group read, others nothing: a user who can open the directory can hold its lock. */
const DIRECTORY_MODE = 0o750;
export const PIN_MODE = 0o640;

export function setModes(directory: string): void {
	for (const name of readdirSync(directory))
		chmodSync(join(directory, name), PIN_MODE);
	chmodSync(directory, DIRECTORY_MODE);
}

/**
 * Removes a state directory and all in it. The link goes first: from then on there is no dispatcher, and what a
 * kill leaves behind is known for a leftover by its missing link.
 */
export function removeState(directory: string): void {
	rmSync(join(directory, LINK), { force: true });
	for (const name of readdirSync(directory)) {
		const path = join(directory, name);
		if (statSync(path).isDirectory()) removeFlat(path);
		else rmSync(path);
	}
	rmdirSync(directory);
}

function removeFlat(directory: string): void {
	for (const name of readdirSync(directory)) rmSync(join(directory, name));
	rmdirSync(directory);
}

export const hasPin = (directory: string, name: string) =>
	existsSync(join(directory, name));

export const hasLink = (directory: string) => hasPin(directory, LINK);
