/** A list at the top of a JSON document, by offsets in its text. */
interface List {
	name: string;
	/** Behind the opening bracket. */
	from: number;
	/** Of the closing one. */
	to: number;
	/** Of the commas between its rows. */
	commas: number[];
}

/**
 * Cuts the rows out of two JSON documents that both begin a list with, and end it with: two short documents remain, with
 * the rows that differ, and at least one row of each list that has any.
 *
 * What is cut out is the same in both texts, whole rows with their commas. So if `before` and what remains of `after` are
 * valid JSON, `after` is.
 *
 * @param names of the lists, at the top of the document, that are cut
 * @returns undefined where the lists are not the same ones
 */
export function differingRows(
	before: Buffer,
	after: Buffer,
	names: readonly string[],
): { before: string; after: string } | undefined {
	const old = listsOf(before);
	const now = listsOf(after);
	if (old.length !== now.length) return undefined;
	const cutOld: Range[] = [];
	const cutNow: Range[] = [];
	for (const [i, list] of old.entries()) {
		const other = now[i] as List;
		if (list.name !== other.name) return undefined;
		if (!names.includes(list.name)) continue;
		const rows = after.subarray(other.from, other.to);
		const { head, tail } = shared(before, list, rows);
		// A comma without a row would be cut out unseen.
		if (head + tail > 0 && isBlank(rows.subarray(head, rows.length - tail)))
			return undefined;
		for (const [cut, { from, to }] of [
			[cutOld, list],
			[cutNow, other],
		] as const)
			cut.push([from, from + head], [to - tail, to]);
	}
	return { before: without(before, cutOld), after: without(after, cutNow) };
}

/** Offsets of the first byte, and behind the last one. */
type Range = [from: number, to: number];

function without(text: Buffer, cuts: readonly Range[]): string {
	let at = 0;
	const pieces: Buffer[] = [];
	for (const [from, to] of cuts) {
		pieces.push(text.subarray(at, from));
		at = to;
	}
	return Buffer.concat([...pieces, text.subarray(at)]).toString();
}

/** Bytes at the beginning and at the end of a list that are whole rows, with their commas, in both texts. */
function shared(
	text: Buffer,
	{ from, to, commas }: List,
	rows: Buffer,
): { head: number; tail: number } {
	const old = text.subarray(from, to);
	const prefix = commonPrefix(old, rows);
	const suffix = commonSuffix(
		old,
		rows,
		Math.min(old.length, rows.length) - prefix,
	);
	let head = 0;
	for (const comma of commas) {
		const behind = comma + 1 - from;
		if (behind <= prefix) head = behind;
		else if (to - comma <= suffix) return { head, tail: to - comma };
	}
	return { head, tail: 0 };
}

/** Bytes that are compared at once. */
const BLOCK = 1 << 16;

function commonPrefix(a: Buffer, b: Buffer): number {
	const most = Math.min(a.length, b.length);
	let length = 0;
	for (let size = BLOCK; size >= 1; ) {
		const end = length + size;
		if (end <= most && a.compare(b, length, end, length, end) === 0)
			length = end;
		else size >>= 1;
	}
	return length;
}

function commonSuffix(a: Buffer, b: Buffer, most: number): number {
	let length = 0;
	for (let size = BLOCK; size >= 1; ) {
		const [aEnd, bEnd] = [a.length - length, b.length - length];
		const isSame =
			length + size <= most &&
			a.compare(b, bEnd - size, bEnd, aEnd - size, aEnd) === 0;
		if (isSame) length += size;
		else size >>= 1;
	}
	return length;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_MAPPING = 0x7b;
const CLOSE_MAPPING = 0x7d;

/** The lists at the top of a document that is valid JSON; of another text, whatever looks like them. */
function listsOf(text: Buffer): List[] {
	const lists: List[] = [];
	let list: List | undefined;
	let name: Range = [0, 0];
	let depth = 0;
	for (let i = 0; i < text.length; i++)
		switch (text[i]) {
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
				if (depth !== 2 || text[i] === OPEN_MAPPING) break;
				list = {
					name: text.toString("utf8", ...name),
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
	return lists;
}

/** Where the quote is that ends a text. */
function endOfText(text: Buffer, from: number): number {
	let i = from;
	for (; i < text.length && text[i] !== QUOTE; i++)
		if (text[i] === BACKSLASH) i++;
	return i;
}

/** Whether there is nothing but white space. */
const isBlank = (text: Buffer) =>
	text.every((byte) => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d));
