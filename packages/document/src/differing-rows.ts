import { commonLength, isSame } from "./common-length.js";
import { jsonLists, type Range, without } from "./json-lists.js";
import type { JsonList, JsonText } from "./json-text.js";
import { KnownRows } from "./known-rows.js";
import { upperBound } from "./upper-bound.js";

/**
 * Cuts out of two JSON documents the rows with which both begin and end a list: two short documents remain, with the rows
 * that differ, and at least one row of each list that has any.
 *
 * What is cut out is the same in both texts, whole rows with their commas. So if `before` and what remains of `after` are
 * valid JSON, `after` is.
 *
 * @param after in UTF-8
 * @param names of the lists, at the top of the document, that are cut
 * @returns with the lists of `after`; undefined where the lists are not the same ones
 */
export function differingRows(
	before: JsonText,
	after: Buffer,
	names: readonly string[],
): { before: string; after: string; lists: JsonList[] } | undefined {
	const { bytes, lists: old } = before;
	const now = jsonLists(after, new KnownRows(before, after));
	if (old.length !== now.length) return undefined;
	const cutOld: Range[] = [];
	const cutNow: Range[] = [];
	for (const [i, list] of old.entries()) {
		const other = now[i] as JsonList;
		if (list.name !== other.name) return undefined;
		if (!names.includes(list.name)) continue;
		const rows = after.subarray(other.from, other.to);
		const { head, tail } = shared(bytes, list, rows);
		// A comma without a row would be cut out unseen.
		const isBlank = isSpace(rows.subarray(head, rows.length - tail));
		if (head + tail > 0 && isBlank) return undefined;
		cutOld.push([list.from, list.from + head], [list.to - tail, list.to]);
		cutNow.push([other.from, other.from + head], [other.to - tail, other.to]);
	}
	return {
		before: without(bytes, cutOld),
		after: without(after, cutNow),
		lists: now,
	};
}

const isSpace = (bytes: Buffer) => bytes.every((byte) => SPACES.includes(byte));

/** The space of JSON. */
const SPACES = Buffer.from(" \t\r\n");

/** Bytes at the beginning and at the end of a list that are whole rows, with their commas, in both texts. */
function shared(
	before: Buffer,
	{ from, to, commas }: JsonList,
	rows: Buffer,
): { head: number; tail: number } {
	const old = before.subarray(from, to);
	const most = Math.min(old.length, rows.length);
	const prefix = commonLength(most, (from, to) =>
		isSame(old, from, rows, from, to - from),
	);
	const suffix = commonLength(most - prefix, (from, to) =>
		isSame(old, old.length - to, rows, rows.length - to, to - from),
	);
	const rowsAhead = upperBound(commas, from + prefix - 1);
	const head = rowsAhead > 0 ? (commas[rowsAhead - 1] as number) + 1 - from : 0;
	const next = Math.max(rowsAhead, upperBound(commas, to - suffix - 1));
	const tail = next < commas.length ? to - (commas[next] as number) : 0;
	return { head, tail };
}
