import { chmodSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import {
	freeze,
	isFrozen,
	type LoadedObject,
	openPin,
	pin,
} from "@sluice/maps";
import { indexBindingsTable, packedBindingsTable } from "@sluice/maps/tables";
import { openIndexedTrie } from "./indexed-trie.js";
import type { Progress } from "./load.js";
import { indexTables, WRITER } from "./object-file.js";
import { hasPin, PIN_MODE, removeOldIndex } from "./pins.js";
import type { Tables } from "./tables.js";

/** Only the owner: a user who can run the program can write bindings. */
const WRITER_MODE = 0o600;

/**
 * Opens the maps of an index. They are up to date only while the trie is frozen; otherwise there is none.
 * @returns descriptors by map name, which are the caller's to close
 */
export function openIndex(
	state: string,
	{ packed }: Tables,
): Record<string, number> {
	if (!isFrozen(packed.fd) || !hasIndex(state)) return {};
	return Object.fromEntries(
		indexTables.map(({ name }) => [name, openPin(join(state, name))]),
	);
}

const hasIndex = (state: string) => hasPin(state, indexBindingsTable.name);

/**
 * Gives a dispatcher its index. The program that writes to trie and index is pinned first; then the trie is frozen, so
 * that nothing else can change it; then the index is filled. The program that uses it comes after that.
 *
 * A kill before the freezing leaves pins that are made anew the next time; one after it an index that is written to,
 * filled the next time, and not used until then.
 *
 * @param loaded the program, which uses the maps of `openIndex`
 */
export function makeIndex(
	state: string,
	{ packed }: Tables,
	loaded: LoadedObject,
	done: Progress,
): void {
	const maps = indexTables.map(({ name }) => name);
	if (!isFrozen(packed.fd)) removeIndex(state);
	if (!hasIndex(state))
		for (const name of maps) {
			pin(loaded.mapFd(name), join(state, name));
			chmodSync(join(state, name), PIN_MODE);
		}
	pinWriter(state, loaded);
	done("index");
	freeze(packed.fd);
	done("frozen");
	if (!isFrozen(loaded.mapFd(indexBindingsTable.name))) fill(state);
	for (const name of maps) freeze(loaded.mapFd(name));
	done("filled");
}

/** Pins the writing program; an earlier one is replaced in one step. */
function pinWriter(state: string, loaded: LoadedObject): void {
	const next = join(state, `${WRITER}-upgrade`);
	rmSync(next, { force: true });
	loaded.program(WRITER).pin(next);
	chmodSync(next, WRITER_MODE);
	renameSync(next, join(state, WRITER));
}

/** Writes every binding again with its present value, which adds it to the index. */
function fill(state: string): void {
	const trie = openIndexedTrie(state);
	for (const { keys, values, count } of trie.batches())
		trie.writePacked(keys, values, count);
	trie.close();
}

/** Removes the index of a dispatcher whose trie is not frozen, or is about to be replaced. */
export function removeIndex(state: string): void {
	for (const name of [WRITER, ...indexTables.map(({ name }) => name)])
		rmSync(join(state, name), { force: true });
	removeOldIndex(state);
}

/**
 * Copies the bindings to the trie of a program that shares no trie with the one that runs.
 * @returns its descriptor, which is the object's
 */
export function copyTrie({ packed }: Tables, loaded: LoadedObject): number {
	const fresh = loaded.mapFd(packed.name);
	const table = loaded.table(packedBindingsTable);
	table.setMany(packed.entries());
	table.close();
	return fresh;
}
