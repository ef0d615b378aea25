import { randomBytes } from "node:crypto";
import { type Context, Failure } from "@sluice/cli-kit";
import type { OpenTable } from "@sluice/maps/table";
import { type Applied, appliedTable } from "@sluice/maps/tables";
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

/** The version of a document. */
export interface Version {
	generation: bigint;
	salt: Buffer;
	document: Buffer;
	/** The same was applied last. */
	isSame: boolean;
}

/** A document that is to be applied. */
export interface Wanted {
	/** Of the machine. */
	name: string;
	generation: bigint | undefined;
	/** Of its content. */
	digest(salt: Buffer): Buffer;
}

interface VersionOptions {
	/** Another machine's name, and another part of the tables, are no reason to refuse it. */
	forceOwner?: boolean;
	/** An older generation is none, either. */
	allowOlder?: boolean;
}

/**
 * The version of a document, after the one applied last.
 * @throws Failure usage: STALE older than the applied one; CONFLICT the same generation with other content; OWNER of
 * another machine, or another part of the tables
 */
export function versionOf(
	wanted: Wanted,
	only: Only,
	last: Applied | undefined,
	{ forceOwner = false, allowOlder = false }: VersionOptions,
): Version {
	if (!last) {
		const salt = randomBytes(16);
		return {
			generation: wanted.generation ?? 1n,
			salt,
			document: wanted.digest(salt),
			isSame: false,
		};
	}
	if (!forceOwner) checkOwner(wanted.name, only, last);
	const { salt, generation } = last;
	const document = wanted.digest(salt);
	const isSame = document.equals(last.document);
	const next = wanted.generation ?? (isSame ? generation : generation + 1n);
	if (next < generation && !allowOlder)
		throw refused(
			"STALE",
			`generation ${next} is older than ${generation}, which was applied ${when(last)}`,
			"to go back, apply the older content with a higher generation",
		);
	if (next === generation && !isSame && !allowOlder)
		throw refused(
			"CONFLICT",
			`generation ${next} was applied ${when(last)} with other content`,
			"give the new content a higher generation",
		);
	return { generation: next, salt, document, isSame };
}

function checkOwner(name: string, only: Only, last: Applied): void {
	const hint = "if this is meant, use --force-owner";
	if (name !== last.owner)
		throw refused(
			"OWNER",
			`the document is of machine "${name}", the one that was applied of "${last.owner}"`,
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
