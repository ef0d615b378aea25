import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { loadObject } from "@sluice/maps";
import { programOf, tableNames } from "./names.js";
import { rawPin } from "./raw.js";

/**
 * Loads an object with the pinned tables, which may be larger or smaller than it defines, and pins its program.
 * @returns the program's id
 * @throws BpfError the kernel refuses the program, or a table has another layout
 */
export function loadWithPins(pins: string, object: string, at: string): number {
	const maxEntries: Record<string, number> = {};
	for (const name of tableNames) {
		const path = join(pins, name);
		if (!existsSync(path)) continue;
		const table = rawPin(path, name);
		maxEntries[name] = table.info.maxEntries;
		table.close();
	}
	const loaded = loadObject(object, { pinDirectory: pins, maxEntries });
	try {
		const program = programOf(loaded, object);
		rmSync(at, { force: true });
		program.pin(at);
		return program.id;
	} finally {
		loaded.close();
	}
}
