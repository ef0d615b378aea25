import { type Context, Failure } from "@sluice/cli-kit";
import { differingRows, readJson } from "@sluice/document";
import { rankOfSid } from "@sluice/tunnel";
import { lastApplied, openApplied } from "./applied.js";
import { type Change, performChange } from "./change.js";
import {
	configLine,
	documentDigestAfter,
	serviceLine,
	tunnelLine,
} from "./digest.js";
import { hasKeyFiles } from "./document/keys.js";
import { LONG_LISTS, readContent } from "./document/read.js";
import { keptText } from "./last-text.js";
import type { Machine } from "./machine.js";
import type { Input, Options, Result } from "./options.js";
import { warningsOf } from "./warnings.js";

/** Characters of differing rows above which all rows are compared, which is then faster. */
const MANY = 250_000;

/**
 * As `perform`, of a document in JSON that differs in few rows from the one applied last, where no row of the tables was
 * changed since. Only the rows that differ are parsed and written.
 *
 * @param file SHA-256 of the text
 * @returns undefined where all rows must be compared, also to report mistakes
 */
export function performChangedRows(
	{ file: name, bytes }: Input,
	file: Buffer,
	options: Options,
	context: Context,
): Result | undefined {
	const { dryRun, guarded, only } = options;
	if (dryRun || !guarded || only.text !== "") return undefined;
	// A key may be another one in the same file.
	if (hasKeyFiles(bytes)) return undefined;
	const last = lastApplied(openApplied(context, { readOnly: true }));
	const before = last && keptText(context, last.file);
	const rows = before && differingRows(before, bytes, LONG_LISTS);
	if (!rows || rows.after.length > MANY) return undefined;
	try {
		const from = machineOf(name, rows.before);
		const to = machineOf(name, rows.after);
		const change = from && to && changeOf(from, to, options);
		if (!change) return undefined;
		const done = performChange(
			change,
			{
				...options,
				file,
				json: { bytes, lists: rows.lists },
				document: ({ document, salt }) =>
					documentDigestAfter(document, from, to, salt),
				// More deletes than are allowed whatever the share are for the whole document.
				present: 0,
			},
			context,
		);
		return (
			done && {
				...done,
				sha256: file.toString("hex"),
				applied: true,
				differences: undefined,
				warnings: warningsOf(to),
			}
		);
	} catch (error) {
		// The comparison of all rows reports it, with line and column.
		if (error instanceof Failure) return undefined;
		throw error;
	}
}

/** @returns undefined where it is not JSON @throws Failure usage */
function machineOf(name: string, text: string): Machine | undefined {
	const source = readJson(text);
	return source && readContent(name, source).machine;
}

/** @returns undefined where tunnels are deleted, whose users only all services can say, or where no row would be left */
function changeOf(
	from: Machine,
	to: Machine,
	{ generation = to.generation }: Pick<Options, "generation">,
): Change | undefined {
	if (to.config.length + to.tunnels.length + to.services.length === 0)
		return undefined;
	const hook = ({ interface: name, direction }: Machine["config"][number]) =>
		`${name} ${direction}`;
	const config = compare(from.config, to.config, hook, configLine);
	const tunnels = compare(from.tunnels, to.tunnels, ({ id }) => id, tunnelLine);
	const services = compare(
		from.services,
		to.services,
		({ sid }) => rankOfSid(sid),
		serviceLine,
	);
	if (tunnels.deleted.length > 0) return undefined;
	return {
		set: {
			name: to.name,
			generation,
			// All, for an interface may have another index now.
			config: to.config,
			tunnels: tunnels.set,
			services: services.set,
		},
		deleted: {
			config: config.deleted,
			services: services.deleted.map(({ sid }) => sid),
		},
		added: {
			tunnels: tunnels.added.map(({ id }) => id),
			services: services.added.map(({ sid }) => sid),
		},
	};
}

/** Rows that are new or other than they were, those of them that are new, and rows that are gone. */
function compare<T>(
	before: Iterable<T>,
	after: Iterable<T>,
	name: (row: T) => string | number,
	line: (row: T) => string,
): { set: T[]; added: T[]; deleted: T[] } {
	const old = new Map(Array.from(before, (row) => [name(row), row]));
	const set: T[] = [];
	const added: T[] = [];
	for (const row of after) {
		const was = old.get(name(row));
		old.delete(name(row));
		if (was && line(was) === line(row)) continue;
		set.push(row);
		if (!was) added.push(row);
	}
	return { set, added, deleted: [...old.values()] };
}
