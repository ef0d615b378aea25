import { toJson } from "./output.js";
import { keepYoungGenerationSmall } from "./young-generation.js";

/** Rows that are made one by one, each when the one before it has been printed. */
export type EachRow<T> = (row: (value: T) => void) => void;

/** Lists of rows by their names in the document. */
export type Lists = Readonly<Record<string, EachRow<unknown>>>;

type Out = (text: string) => void;

/** Rows that are joined: a row's text is many small strings, which are freed soon in a small young generation. */
const JOINED = 32;
/** Characters per write at least, about a pipe's buffer. */
const PIECE = 65_536;

export function printLines(lines: EachRow<string>, out: Out): void {
	if (printRows(lines, String, "", "\n", out)) out("\n");
}

/** A JSON document of lists, on one line. */
export function printDocument(lists: Lists, out: Out): void {
	let before = "{";
	for (const [name, list] of Object.entries(lists)) {
		const head = `${before}${JSON.stringify(name)}:[`;
		if (!printRows(list, toJson, head, ",", out)) out(head);
		before = "],";
	}
	out("]}\n");
}

/** Prints `head` and the rows behind it. Returns whether there were any: without them, it prints nothing. */
function printRows<T>(
	rows: EachRow<T>,
	textOf: (row: T) => string,
	head: string,
	between: string,
	out: Out,
): boolean {
	let before = head;
	let some: string[] = [];
	let text = "";
	let isLarge = false;
	const join = () => {
		text += before + some.join(between);
		before = between;
		some = [];
	};
	rows((row) => {
		if (some.push(textOf(row)) < JOINED) return;
		join();
		if (text.length < PIECE) return;
		if (!isLarge) keepYoungGenerationSmall();
		isLarge = true;
		out(text);
		text = "";
	});
	if (some.length > 0) join();
	if (text !== "") out(text);
	return before !== head;
}
