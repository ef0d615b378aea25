import { readdirSync } from "node:fs";
import { join } from "node:path";
import { mapTypes } from "@sluice/maps/table";
import type { Check } from "../finding.js";
import { larger } from "../larger-tables.js";

const FULL = 0.8;

/** Tables that are written by rows: at their end the next service is refused. */
const types = new Set<number>([mapTypes.hash, mapTypes.percpu_hash]);

export const full: Check = {
	name: "room in tables",
	async look(world) {
		if (!world.isPinned) return [];
		const kernel = world.rights;
		const findings = [];
		for (const name of readdirSync(world.pins)) {
			const map = kernel.openPin(join(world.pins, name), { readOnly: true });
			try {
				const info = kernel.mapInfo(map);
				if (!types.has(info.type)) continue;
				const count = kernel.countEntries(map, info);
				if (count <= FULL * info.maxEntries) continue;
				const percent = Math.floor((100 * count) / info.maxEntries);
				findings.push({
					code: "table-full",
					message: `${name} is ${percent} % full: ${count} of ${info.maxEntries} entries`,
					fix: await larger(world, name, info.maxEntries),
				});
			} finally {
				kernel.close(map);
			}
		}
		return findings;
	},
};
