import {
	existsSync,
	mkdirSync,
	renameSync,
	rmdirSync,
	statSync,
} from "node:fs";
import { join } from "node:path";
import { Failure } from "@sluice/cli-kit";
import {
	type BpfError,
	close,
	linkInfo,
	lock,
	openPin,
	programInfo,
} from "@sluice/maps";
import { Destinations } from "./destinations.js";
import { isAlive } from "./leftovers.js";
import {
	hasPin,
	isMarked,
	LINK,
	markOf,
	PROGRAM,
	TRIE,
	TRIE_UPGRADE,
	UPGRADE,
} from "./pins.js";
import { isThere, notLoaded, type Place } from "./place.js";
import { demandVersion } from "./program-version.js";
import { repair } from "./repair.js";
import { openTables, type Tables } from "./tables.js";
import { openTrie, type Trie } from "./trie.js";

/** A dispatcher under the writers' lock. */
export interface Writer {
	readonly tables: Tables;
	/** By which bindings are written; reading is the tables'. */
	readonly trie: Trie;
	readonly destinations: Destinations;
	/**
	 * Runs what changes the tables. A writer that is killed in it leaves a mark, by which the next one knows that
	 * the counts of the destinations may be too high, and counts anew.
	 */
	change<T>(act: () => T): T;
}

/**
 * Opens a dispatcher to change it: takes the lock, finishes an upgrade that was killed, checks that the program is
 * ours to drive, repairs what a killed writer left, then acts.
 */
export function withWriter<T>(place: Place, act: (writer: Writer) => T): T {
	const unlock = lockOrNotLoaded(place);
	try {
		return act(openedBefore(place) ?? open(place));
	} finally {
		unlock();
	}
}

interface Opened {
	/** What the pins were then. */
	state: string;
	writer: Writer;
	close(): void;
}

/** A place's writer: the next line of a stream uses it again, because opening and checking take most of a line's time. */
const opened = new WeakMap<Place, Opened>();

/** Changes with every pin that any process makes or removes. */
function stateOf({ directory }: Place): string {
	const { dev, ino, mtimeMs } = statSync(directory);
	return `${dev} ${ino} ${mtimeMs}`;
}

/** The writer that was opened before, unless pins have changed since, or a writer was killed. */
function openedBefore(place: Place): Writer | undefined {
	const before = opened.get(place);
	if (!before) return undefined;
	if (before.state === stateOf(place) && !isMarked(place.directory))
		return before.writer;
	opened.delete(place);
	before.close();
	return undefined;
}

function open(place: Place): Writer {
	if (!isAlive(place)) throw notLoaded(place);
	settleUpgrade(place);
	checkProgram(place);
	const tables = openTables(place, { readOnly: false });
	const closing: { close(): void }[] = [tables];
	const close = () => {
		for (const one of closing) one.close();
	};
	try {
		const { trie, ...rest } = openTrie(place, tables);
		closing.push(rest);
		const writer = writerOf(place, tables, trie);
		opened.set(place, { state: stateOf(place), writer, close });
		return writer;
	} catch (error) {
		close();
		throw error;
	}
}

/** Takes the lock of a dispatcher that is loaded. */
export function lockLoaded(place: Place): () => void {
	if (!isThere(place)) throw notLoaded(place);
	const unlock = lockOrNotLoaded(place);
	if (isAlive(place)) return unlock;
	unlock();
	throw notLoaded(place);
}

function lockOrNotLoaded(place: Place): () => void {
	try {
		return lock(place.directory);
	} catch (error) {
		throw (error as BpfError).code === "ENOENT" ? notLoaded(place) : error;
	}
}

function writerOf(place: Place, tables: Tables, trie: Trie): Writer {
	const mark = markOf(place.directory);
	const destinations = new Destinations(tables);
	const settle = () => repair(place, tables, destinations);
	if (isMarked(place.directory)) settle();
	return {
		tables,
		trie,
		destinations,
		change(act) {
			mkdirSync(mark, { mode: 0o700 });
			try {
				const result = act();
				rmdirSync(mark);
				return result;
			} catch (error) {
				settle();
				throw error;
			}
		},
	};
}

/**
 * An upgrade that was killed between swapping the program in the link and renaming its pin leaves the new program
 * running and pinned under the name that it has during the upgrade: that pin, and its trie's if it has a new one, take
 * their places now. One killed before that leaves the old program running, and a pin that the next upgrade replaces.
 */
export function settleUpgrade({ directory }: Place): void {
	const upgrade = join(directory, UPGRADE);
	if (!existsSync(upgrade)) return;
	if (pinnedProgramId(upgrade) !== linkedProgramId(directory)) return;
	if (hasPin(directory, TRIE_UPGRADE))
		renameSync(join(directory, TRIE_UPGRADE), join(directory, TRIE));
	renameSync(upgrade, join(directory, PROGRAM));
}

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

export function linkedProgramId(directory: string): number {
	const fd = openPin(join(directory, LINK));
	const { programId } = linkInfo(fd);
	close(fd);
	return programId;
}

function pinnedProgramId(path: string): number {
	const fd = openPin(path);
	const { id } = programInfo(fd);
	close(fd);
	return id;
}
