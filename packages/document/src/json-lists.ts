import type { JsonList } from "./json-text.js";
import type { KnownRows } from "./known-rows.js";

/** Offsets of the first byte, and behind the last one. */
export type Range = readonly [from: number, to: number];

/** A text without some of its parts, which are in order. */
export function without(bytes: Buffer, cuts: readonly Range[]): string {
	let at = 0;
	let rest = "";
	for (const [from, to] of cuts) {
		rest += bytes.toString("utf8", at, from);
		at = to;
	}
	return rest + bytes.toString("utf8", at);
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_MAPPING = 0x7b;
const CLOSE_MAPPING = 0x7d;

/**
 * The lists at the top of a document that is valid JSON; of another text, whatever looks like them.
 * @param bytes in UTF-8, which has no byte of these characters inside of another one
 * @param known rows that need not be read
 */
export function jsonLists(bytes: Buffer, known?: KnownRows): JsonList[] {
	const lists: JsonList[] = [];
	let list: (JsonList & { commas: number[] }) | undefined;
	let name: Range = [0, 0];
	let depth = 0;
	for (let i = 0; i < bytes.length; i++) {
		const byte = bytes[i];
		switch (byte) {
			case QUOTE: {
				const from = i + 1;
				i = endOfText(bytes, from);
				if (depth === 1) name = [from, i];
				break;
			}
			case COMMA:
				if (depth !== 2 || !list) break;
				list.commas.push(i);
				i = known?.skip(lists.length - 1, i, list.commas) ?? i;
				break;
			case OPEN_LIST:
			case OPEN_MAPPING:
				depth++;
				if (depth !== 2 || byte === OPEN_MAPPING) break;
				list = {
					name: bytes.toString("utf8", ...name),
					from: i + 1,
					to: bytes.length,
					commas: [],
				};
				lists.push(list);
				i = known?.skip(lists.length - 1, i, list.commas) ?? i;
				break;
			case CLOSE_LIST:
			case CLOSE_MAPPING:
				if (depth === 2 && list) {
					list.to = i;
					list = undefined;
				}
				depth--;
		}
	}
	return lists;
}

/** Where the quote is that ends a text. */
function endOfText(bytes: Buffer, from: number): number {
	let at = from;
	while (at < bytes.length && bytes[at] !== QUOTE)
		at += bytes[at] === BACKSLASH ? 2 : 1;
	return at;
}
