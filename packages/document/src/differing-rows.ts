import { type JsonList, jsonLists, type Range, without } from "./json-lists.js";

/**
 * Cuts out of two JSON documents the rows with which both begin and end a list: two short documents remain, with the rows
 * that differ, and at least one row of each list that has any.
 *
 * What is cut out is the same in both texts, whole rows with their commas. So if `before` and what remains of `after` are
 * valid JSON, `after` is.
 *
 * @param names of the lists, at the top of the document, that are cut
 * @returns undefined where the lists are not the same ones
 */
export function differingRows(
	before: string,
	after: string,
	names: readonly string[],
): { before: string; after: string } | undefined {
	const old = jsonLists(before);
	const now = jsonLists(after);
	if (old.length !== now.length) return undefined;
	const cutOld: Range[] = [];
	const cutNow: Range[] = [];
	for (const [i, list] of old.entries()) {
		const other = now[i] as JsonList;
		if (list.name !== other.name) return undefined;
		if (!names.includes(list.name)) continue;
		const rows = after.slice(other.from, other.to);
		const { head, tail } = shared(before, list, rows);
		// A comma without a row would be cut out unseen.
		const isBlank = /^\s*$/.test(rows.slice(head, rows.length - tail));
		if (head + tail > 0 && isBlank) return undefined;
		cutOld.push([list.from, list.from + head], [list.to - tail, list.to]);
		cutNow.push([other.from, other.from + head], [other.to - tail, other.to]);
	}
	return { before: without(before, cutOld), after: without(after, cutNow) };
}

/** Characters at the beginning and at the end of a list that are whole rows, with their commas, in both texts. */
function shared(
	text: string,
	{ from, to, commas }: JsonList,
	rows: string,
): { head: number; tail: number } {
	const old = text.slice(from, to);
	const most = Math.min(old.length, rows.length);
	const prefix = commonLength(
		most,
		(from, to) => old.slice(from, to) === rows.slice(from, to),
	);
	const suffix = commonLength(
		most - prefix,
		(from, to) =>
			old.slice(old.length - to, old.length - from) ===
			rows.slice(rows.length - to, rows.length - from),
	);
	let head = 0;
	for (const comma of commas) {
		const behind = comma + 1 - from;
		if (behind <= prefix) head = behind;
		else if (to - comma <= suffix) return { head, tail: to - comma };
	}
	return { head, tail: 0 };
}

/** Characters that are compared at once. */
const BLOCK = 1 << 16;

/** The length of the common prefix, at most `most`: blocks are compared, then ever smaller ones. */
function commonLength(
	most: number,
	isSame: (from: number, to: number) => boolean,
): number {
	let length = 0;
	for (let size = BLOCK; size >= 1; )
		if (length + size <= most && isSame(length, length + size)) length += size;
		else size >>= 1;
	return length;
}
