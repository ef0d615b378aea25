import {
	existsSync,
	mkdirSync,
	readdirSync,
	renameSync,
	rmdirSync,
	rmSync,
	statSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Failure } from "@sluice/cli-kit";
import {
	close,
	exchangePaths,
	Journal,
	type LoadedObject,
	loadObject,
	mapInfo,
	openMapById,
	openPin,
	openProgramById,
	openTable,
	pin,
	programIds,
	programInfo,
	recover,
} from "@sluice/maps";
import { preparedDirectory, SWITCHING, tunnelPins } from "@sluice/tunnel";
import { carryTraffic } from "./carry-traffic.js";
import { copyEntries, copyNewerPings } from "./copy.js";
import { sameLayout } from "./layout.js";
import { formerCaches, nameOf, programOf, tableNames } from "./names.js";
import { hasEntries, isArray, type Raw, rawMap, rawPin } from "./raw.js";

/** What became of one table. */
export interface Prepared {
	table: string;
	/** kept: the same map; copied: a new one with the old one's entries; new: the release adds it, or it has no entries */
	state: "kept" | "copied" | "new";
	/** That were copied. */
	entries: number;
	maxEntries: number;
}

/** The table with the size of `--entries`; the others are multiples of it, or keep their size. */
const SIZED_BY = "map_tunnel";

/**
 * Loads the objects with tables of their own in a new directory beside the pins: tables that did not change are the same
 * maps, the others are copies. The programs are pinned there, for tc. Nothing that runs or is pinned changes.
 *
 * @param attached ids of the programs that are to be replaced
 * @throws Failure failed: entries do not fit, or another program uses the tables
 */
export async function prepare(
	pins: string,
	objects: readonly string[],
	attached: readonly number[],
	entries: number | undefined,
): Promise<Prepared[]> {
	const directory = preparedDirectory(pins);
	removeLeftovers(pins);
	completeChange(pins);
	mkdirSync(directory, { mode: statSync(pins).mode & 0o777 });
	try {
		const old = pinnedTables(pins);
		await refuseOthers(old, attached);
		const prepared = new Map<string, Prepared>();
		for (const object of objects)
			loadInto(directory, object, old, entries, prepared);
		for (const id of attached) pinProgram(id, join(directory, `old_${id}`));
		for (const raw of old.values()) raw.close();
		return [...prepared.values()];
	} catch (error) {
		removeDirectory(directory);
		throw error;
	}
}

/** Completes the change of a killed writer in the present tables. */
function completeChange(pins: string): void {
	const journal = new Journal(pins);
	recover(journal, (name) => {
		const table = tunnelPins.tables.find((one) => one.name === name);
		return table && { table, kernel: openTable(table, pins) };
	});
	journal.close();
}

/** Exchanges the prepared tables with the pinned ones in one step, with the remotes learned since the copy. */
export function exchange(pins: string): { newerPings: number } {
	const directory = preparedDirectory(pins);
	if (!existsSync(directory))
		throw new Failure("missing", "no tables are prepared", {
			hint: 'prepare them first: "cli_tables prepare"',
		});
	const newerPings = carryPings(pins, directory);
	carryTraffic(pins, directory);
	for (const name of readdirSync(directory))
		if (!tableNames.includes(name) && name !== SWITCHING)
			rmSync(join(directory, name));
	carryForeign(pins, directory);
	exchangePaths(pins, directory);
	rmdirSync(join(pins, SWITCHING));
	// Directories cannot be pinned again, but moved.
	for (const entry of readdirSync(directory, { withFileTypes: true }))
		if (entry.isDirectory())
			renameSync(join(directory, entry.name), join(pins, entry.name));
	removeDirectory(directory);
	return { newerPings };
}

/** Leftovers of a killed run. Remotes that its tables learned are kept. */
export function removeLeftovers(pins: string): void {
	const directory = preparedDirectory(pins);
	if (existsSync(join(pins, SWITCHING))) rmdirSync(join(pins, SWITCHING));
	if (!existsSync(directory)) return;
	carryPings(directory, pins);
	removeDirectory(directory);
}

/** Loads one object into the directory, and fills the tables that it is the first to bring. */
function loadInto(
	directory: string,
	object: string,
	old: ReadonlyMap<string, Raw>,
	entries: number | undefined,
	prepared: Map<string, Prepared>,
): void {
	const defaults = loadObject(object);
	const maxEntries: Record<string, number> = {};
	try {
		const unit = maxEntriesOf(defaults, SIZED_BY) ?? 0;
		for (const table of tableNames) {
			const map = mapOf(defaults, table);
			if (!map) continue;
			const before = old.get(table);
			const { info } = map;
			maxEntries[table] =
				entries !== undefined &&
				hasEntries(map) &&
				!isArray(map) &&
				unit > 0 &&
				info.maxEntries % unit === 0
					? (info.maxEntries / unit) * entries
					: (before?.info.maxEntries ?? info.maxEntries);
			const isSame =
				before !== undefined &&
				sameLayout(before, map) &&
				before.info.maxEntries === maxEntries[table];
			const at = join(directory, table);
			if (isSame && !existsSync(at)) {
				pin(before.fd, at);
				const { maxEntries: size } = before.info;
				prepared.set(table, {
					table,
					state: "kept",
					entries: 0,
					maxEntries: size,
				});
			}
			map.close();
		}
	} finally {
		defaults.close();
	}
	const loaded = loadObject(object, { pinDirectory: directory, maxEntries });
	try {
		for (const table of tableNames) {
			if (prepared.has(table)) continue;
			const map = mapOf(loaded, table);
			if (!map) continue;
			const before = old.get(table);
			const count = before && copyEntries(before, map);
			prepared.set(table, {
				table,
				state: count === undefined ? "new" : "copied",
				entries: count ?? 0,
				maxEntries: map.info.maxEntries,
			});
		}
		programOf(loaded, object).pin(join(directory, nameOf(object)));
	} finally {
		loaded.close();
	}
}

function maxEntriesOf(object: LoadedObject, table: string): number | undefined {
	const map = mapOf(object, table);
	map?.close();
	return map?.info.maxEntries;
}

/** A map of an object, with its descriptor. */
function mapOf(object: LoadedObject, name: string): Raw | undefined {
	try {
		return rawMap(name, openMapById(mapInfo(object.mapFd(name)).id));
	} catch (error) {
		if (error instanceof RangeError) return undefined;
		throw error;
	}
}

/** The pinned tables of the tunnel programs. */
function pinnedTables(directory: string): Map<string, Raw> {
	const names = tableNames.filter((name) => existsSync(join(directory, name)));
	return new Map(
		names.map((name) => [name, rawPin(join(directory, name), name)]),
	);
}

/** Milliseconds within which the kernel frees a program that is replaced: under the RTNL lock, which all network namespaces share. */
const FREED = 20_000;
const PAUSE = 50;

/**
 * Waits for the kernel to free the programs that the migration before has replaced.
 * @throws Failure failed: a program that is not to be replaced would go on with the old tables
 */
async function refuseOthers(
	tables: ReadonlyMap<string, Raw>,
	attached: readonly number[],
): Promise<void> {
	const ids = new Set([...tables.values()].map(({ info }) => info.id));
	for (const end = performance.now() + FREED; ; await sleep(PAUSE)) {
		const other = [...programIds()]
			.filter((id) => !attached.includes(id))
			.map((id) => ({ id, info: describe(id) }))
			.find(({ info }) => info?.mapIds.some((map) => ids.has(map)));
		if (!other) return;
		if (performance.now() > end)
			throw new Failure(
				"failed",
				`program ${other.id} (${other.info?.name}) uses the tables, and is not attached to an interface of this network namespace; nothing was changed`,
				{ hint: "detach it first" },
			);
	}
}

/** undefined: it was deleted in the meantime. */
function describe(id: number) {
	let fd: number;
	try {
		fd = openProgramById(id);
	} catch {
		return undefined;
	}
	try {
		return programInfo(fd);
	} finally {
		close(fd);
	}
}

function pinProgram(id: number, path: string): void {
	const fd = openProgramById(id);
	try {
		pin(fd, path);
	} finally {
		close(fd);
	}
}

/** Copies newer pings between the tunnel tables of two directories, where these are different maps. */
function carryPings(from: string, to: string): number {
	const paths = [from, to].map((directory) => join(directory, SIZED_BY));
	if (!paths.every((path) => existsSync(path))) return 0;
	const [source, target] = paths.map((path) => rawPin(path, SIZED_BY)) as [
		Raw,
		Raw,
	];
	try {
		return source.info.id === target.info.id
			? 0
			: copyNewerPings(source, target);
	} finally {
		source.close();
		target.close();
	}
}

/** Pins of others, who may have theirs beside ours. */
function carryForeign(from: string, to: string): void {
	for (const entry of readdirSync(from, { withFileTypes: true })) {
		const { name } = entry;
		if (entry.isDirectory()) continue;
		if (tableNames.includes(name) || formerCaches.includes(name)) continue;
		const fd = openPin(join(from, name));
		try {
			pin(fd, join(to, name));
		} finally {
			close(fd);
		}
	}
}

function removeDirectory(directory: string): void {
	for (const name of readdirSync(directory)) rmSync(join(directory, name));
	rmdirSync(directory);
}
