/** A list at the top of a JSON document, by offsets in its text. */
export interface JsonList {
	/** As it is written, without the quotes. */
	name: string;
	/** Behind the opening bracket. */
	from: number;
	/** Of the closing one. */
	to: number;
	/** Of the commas between its rows. */
	commas: number[];
}

/** Offsets of the first character, and behind the last one. */
export type Range = readonly [from: number, to: number];

/** A text without some of its parts, which are in order. */
export function without(text: string, cuts: readonly Range[]): string {
	let at = 0;
	let rest = "";
	for (const [from, to] of cuts) {
		rest += text.slice(at, from);
		at = to;
	}
	return rest + text.slice(at);
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_MAPPING = 0x7b;
const CLOSE_MAPPING = 0x7d;

/** The lists at the top of a document that is valid JSON; of another text, whatever looks like them. */
export function jsonLists(text: string): JsonList[] {
	const lists: JsonList[] = [];
	let list: JsonList | undefined;
	let name: Range = [0, 0];
	let depth = 0;
	for (let i = 0; i < text.length; i++) {
		const char = text.charCodeAt(i);
		switch (char) {
			case QUOTE: {
				const from = i + 1;
				i = endOfText(text, from);
				if (depth === 1) name = [from, i];
				break;
			}
			case COMMA:
				if (depth === 2) list?.commas.push(i);
				break;
			case OPEN_LIST:
			case OPEN_MAPPING:
				depth++;
				if (depth !== 2 || char === OPEN_MAPPING) break;
				list = {
					name: text.slice(...name),
					from: i + 1,
					to: text.length,
					commas: [],
				};
				lists.push(list);
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
function endOfText(text: string, from: number): number {
	let end = text.indexOf('"', from);
	while (end >= 0 && isEscaped(text, from, end))
		end = text.indexOf('"', end + 1);
	return end < 0 ? text.length : end;
}

/** Whether an odd number of backslashes is before a character of a text. */
function isEscaped(text: string, from: number, at: number): boolean {
	let first = at;
	while (first > from && text.charCodeAt(first - 1) === BACKSLASH) first--;
	return (at - first) % 2 === 1;
}
