import { mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import {
	freeze,
	isFrozen,
	type LoadedObject,
	openPin,
	pin,
} from "@sluice/maps";
import {
	type BindingValue,
	bindingIndexTable,
	indexKeyOf,
	indexSubnetsTable,
} from "@sluice/maps/tables";
import { keyBitsOf } from "../binding/binding.js";
import type { Progress } from "./load.js";
import { INDEX, setModes, WRITER } from "./pins.js";
import type { Tables } from "./tables.js";

/** Prefix length of the key of a single address. */
const SINGLE_ADDRESS = 152;

/** The maps that an index is made of. */
const tables = [bindingIndexTable, indexSubnetsTable];

/**
 * Opens the maps of an index, where a dispatcher has one: the trie is frozen, so they are not out of date.
 * @returns descriptors by map name, which are the caller's to close
 */
export function openIndex(
	directory: string,
	{ packed }: Tables,
): Record<string, number> {
	if (!isFrozen(packed.fd)) return {};
	return Object.fromEntries(
		tables.map(({ name }) => [name, openPin(join(directory, INDEX, name))]),
	);
}

/**
 * Gives a dispatcher its index. What writes to both is pinned first; then the trie is frozen, so that nothing else
 * can change it; then the index is filled, and frozen as well. The program that believes it comes after that.
 *
 * A kill before the freezing leaves pins that are made anew the next time, one after it an index that is written to,
 * filled the next time, and not used until then.
 */
export function makeIndex(
	state: string,
	{ packed }: Tables,
	loaded: LoadedObject,
	done: Progress,
): void {
	const directory = join(state, INDEX);
	mkdirSync(directory, { recursive: true, mode: 0o700 });
	if (!isFrozen(packed.fd)) {
		for (const name of readdirSync(directory)) rmSync(join(directory, name));
		for (const { name } of tables)
			pin(loaded.mapFd(name), join(directory, name));
	}
	pinWriter(directory, loaded);
	setModes(directory);
	done("index");
	freeze(packed.fd);
	done("frozen");
	if (!isFrozen(loaded.mapFd(bindingIndexTable.name))) fill(packed, loaded);
	for (const { name } of tables) freeze(loaded.mapFd(name));
	done("filled");
}

/** Puts the program that writes in the place of an earlier one, in one step. */
function pinWriter(directory: string, loaded: LoadedObject): void {
	const next = join(directory, `${WRITER}-upgrade`);
	rmSync(next, { force: true });
	loaded.program(WRITER).pin(next);
	renameSync(next, join(directory, WRITER));
}

function fill(packed: Tables["packed"], loaded: LoadedObject): void {
	const index = loaded.table(bindingIndexTable);
	const others = loaded.table(indexSubnetsTable);
	let subnets = 0n;
	const single: [string, BindingValue][] = [];
	for (const [key, value] of packed.entries()) {
		if (keyBitsOf(key) === SINGLE_ADDRESS)
			single.push([indexKeyOf(key), value]);
		else subnets++;
	}
	index.setMany(single);
	others.set(0, subnets);
	index.close();
	others.close();
}
