import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Machine } from "./machine.js";
import { cell, type Table } from "./table.js";

const directory = join(import.meta.dirname, "../results");

/** Writes a run to results/<date>.json. @returns the file's path */
export function writeResults(on: Machine, tables: readonly Table[]): string {
	const date = new Date().toISOString();
	const path = join(directory, `${date.replaceAll(":", "")}.json`);
	const document = {
		date,
		machine: on,
		tables: tables.map((table) => ({
			title: table.title,
			base: table.base ?? null,
			rows: table.rows.map((row) => ({
				title: row.title,
				unit: row.unit,
				cells: Object.fromEntries(
					table.columns.flatMap((column) => {
						const found = cell(table, row, column);
						return found
							? [[column, { ...found, samples: row.samples[column] }]]
							: [];
					}),
				),
			})),
		})),
	};
	mkdirSync(directory, { recursive: true });
	writeFileSync(path, `${JSON.stringify(document, null, "\t")}\n`);
	return path;
}
