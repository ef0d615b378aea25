import { toJson } from "./output.js";

/** Lists of rows by their names in the document, each read when it is printed. */
export type Lists = Readonly<Record<string, () => Iterable<unknown>>>;

/** Pieces that are put together before they are written. */
const PIECES = 4096;

/** The text of lines, in pieces of a size that is good to write. */
export function* linesInPieces(
	lines: Iterable<string>,
): IterableIterator<string> {
	let some: string[] = [];
	for (const line of lines) {
		some.push(line);
		if (some.length < PIECES) continue;
		yield `${some.join("\n")}\n`;
		some = [];
	}
	if (some.length > 0) yield `${some.join("\n")}\n`;
}

/** A JSON document of lists, on one line, in such pieces. */
export function* documentInPieces(lists: Lists): IterableIterator<string> {
	let before = "{";
	for (const [name, list] of Object.entries(lists)) {
		let text = `${before}${JSON.stringify(name)}:[`;
		let some: string[] = [];
		for (const row of list()) {
			some.push(toJson(row));
			if (some.length < PIECES) continue;
			yield text + some.join(",");
			text = ",";
			some = [];
		}
		// A comma that waits for another row has none.
		yield (some.length > 0 || text !== "," ? text : "") + some.join(",");
		before = "],";
	}
	yield "]}\n";
}
