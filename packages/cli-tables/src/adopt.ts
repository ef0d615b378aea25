import { existsSync } from "node:fs";
import { join } from "node:path";
import {
	close,
	openMapById,
	openProgramById,
	pin,
	programInfo,
} from "@sluice/maps";
import { tableOfKernelName } from "./names.js";
import { countOf, type Raw, rawMap, rawPin } from "./raw.js";

/** A table that an attached program uses, and that is not the pinned one. */
export interface Conflict {
	table: string;
	program: number;
	/** Entries that the program sees, and those of the pinned table. */
	live: number;
	pinned: number;
}

interface Adopted {
	/** Tables that were pinned again, with their entries. */
	adopted: { table: string; entries: number }[];
	conflicts: Conflict[];
}

/** Pins the tables that attached programs use and that have no pin any more. Pins that are there stay as they are. */
export function adopt(pins: string, programs: readonly number[]): Adopted {
	const result: Adopted = { adopted: [], conflicts: [] };
	const seen = new Set<number>();
	for (const program of programs)
		for (const id of mapsOf(program)) {
			if (seen.has(id)) continue;
			seen.add(id);
			const live = tableById(id);
			if (!live) continue;
			try {
				adoptOne(join(pins, live.name), live, program, result);
			} finally {
				live.close();
			}
		}
	return result;
}

function adoptOne(
	path: string,
	live: Raw,
	program: number,
	{ adopted, conflicts }: Adopted,
): void {
	const { name: table } = live;
	if (!existsSync(path)) {
		pin(live.fd, path);
		adopted.push({ table, entries: countOf(live) });
		return;
	}
	const pinned = rawPin(path, table);
	try {
		if (pinned.info.id !== live.info.id)
			conflicts.push({
				table,
				program,
				live: countOf(live),
				pinned: countOf(pinned),
			});
	} finally {
		pinned.close();
	}
}

function mapsOf(program: number): number[] {
	const fd = openProgramById(program);
	try {
		return programInfo(fd).mapIds;
	} finally {
		close(fd);
	}
}

/** undefined: a cache, or another private map. */
function tableById(id: number): Raw | undefined {
	const fd = openMapById(id);
	const raw = rawMap("", fd);
	const name = tableOfKernelName(raw.info.name);
	if (name !== undefined) return { ...raw, name };
	raw.close();
	return undefined;
}
