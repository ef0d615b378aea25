import { randomBytes } from "node:crypto";
import { type Context, Failure } from "@sluice/cli-kit";
import type { OpenTable } from "@sluice/maps/table";
import { type Applied, appliedTable } from "@sluice/maps/tables";
import { documentDigest } from "./digest.js";
import type { Machine } from "./machine.js";
import type { Only } from "./only.js";

/** The row's number. */
const ROW = 0;

/** Opens the row of what was applied last. @throws Failure environment: no such pin */
export const openApplied = (
	context: Context,
	options: { readOnly?: boolean } = {},
): OpenTable<number, Applied> => context.openTable(appliedTable, options);

/** @returns undefined where nothing was applied since the tables are there */
export function lastApplied(
	table: OpenTable<number, Applied>,
): Applied | undefined {
	const row = table.get(ROW);
	return row && row.generation > 0n ? row : undefined;
}

export const recordApplied = (
	table: OpenTable<number, Applied>,
	row: Applied,
): void => table.set(ROW, row);

/** A version of a document: what it will be known by. */
export interface Version {
	generation: bigint;
	salt: Buffer;
	document: Buffer;
	/** The same was applied last. */
	isSame: boolean;
}

/**
 * The version that a document is, after what was applied last.
 * @param forced another machine's name, and another part of the tables, are no reason to refuse it
 * @throws Failure usage: STALE older than what was applied; CONFLICT the same generation with other content; OWNER of
 * another machine, or another part of the tables
 */
export function versionOf(
	machine: Machine,
	only: Only,
	last: Applied | undefined,
	forced: boolean,
): Version {
	if (!last) {
		const salt = randomBytes(16);
		return {
			generation: machine.generation ?? 1n,
			salt,
			document: documentDigest(machine, salt),
			isSame: false,
		};
	}
	if (!forced) checkOwner(machine, only, last);
	const { salt, generation } = last;
	const document = documentDigest(machine, salt);
	const isSame = document.equals(last.document);
	const wanted = machine.generation ?? (isSame ? generation : generation + 1n);
	if (wanted < generation)
		throw refused(
			"STALE",
			`generation ${wanted} is older than ${generation}, which was applied ${when(last)}`,
			"to go back, apply the older content with a higher generation",
		);
	if (wanted === generation && !isSame)
		throw refused(
			"CONFLICT",
			`generation ${wanted} was applied ${when(last)} with other content`,
			"give the new content a higher generation",
		);
	return { generation: wanted, salt, document, isSame };
}

function checkOwner(machine: Machine, only: Only, last: Applied): void {
	const hint = "if this is meant, use --force-owner";
	if (machine.name !== last.owner)
		throw refused(
			"OWNER",
			`the document is of machine "${machine.name}", the one that was applied of "${last.owner}"`,
			hint,
		);
	if (only.text !== last.only)
		throw refused(
			"OWNER",
			`the document owns ${only.text || "all"}, the one that was applied ${last.only || "all"}`,
			hint,
		);
}

export const refused = (code: string, message: string, hint: string) =>
	new Failure("usage", message, { code, hint });

/** "2026-11-26T17:00:00Z" */
export const when = ({ time }: Pick<Applied, "time">) =>
	new Date(Number(time) * 1000).toISOString().replace(".000", "");
