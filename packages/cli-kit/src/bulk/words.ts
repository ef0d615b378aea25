import { badInput } from "../failure.js";

/**
 * Splits a line into words as a shell does where it does nothing clever: quotes, backslashes, and comments from a `#`
 * at the beginning of a word on. Nothing is expanded.
 *
 * @throws Failure usage, where a quote is not closed
 */
export function splitWords(line: string): string[] {
	if (/["'\\#\t\r]/.test(line)) return splitQuoted(line);
	// Not by `split`, which takes twice as long.
	const words: string[] = [];
	for (let at = 0; at < line.length; ) {
		const space = line.indexOf(" ", at);
		const end = space < 0 ? line.length : space;
		if (end > at) words.push(line.slice(at, end));
		at = end + 1;
	}
	return words;
}

/** A piece of a word: 'as it is', "with backslashes", or bare; or the space between two words. */
const PIECE =
	/'([^']*)'|"((?:[^"\\]|\\.)*)"|((?:[^\s'"\\]|\\.)+)|([ \t\r]+)|(.)/gs;

function splitQuoted(line: string): string[] {
	const words: string[] = [];
	let word: string | undefined;
	for (const [piece, single, double, bare, space] of line.matchAll(PIECE)) {
		if (space !== undefined) {
			if (word !== undefined) words.push(word);
			word = undefined;
		} else if (single !== undefined) word = (word ?? "") + single;
		else if (double !== undefined)
			word = (word ?? "") + double.replace(/\\(["\\])/g, "$1");
		else if (bare === undefined)
			throw badInput(
				piece === "\\" ? "ends in a backslash" : `${piece} is not closed`,
			);
		else if (word === undefined && bare.startsWith("#")) break;
		else word = (word ?? "") + bare.replace(/\\(.)/gs, "$1");
	}
	if (word !== undefined) words.push(word);
	return words;
}

/** A word as `splitWords` reads it back. */
const quoted = (word: string) =>
	/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

/**
 * A command as a line of a batch.
 * @param options each with its value, `--size=5`
 */
export function lineOf(
	[verb, ...words]: readonly string[],
	options: readonly string[] = [],
): string {
	const plain = words.some((word) => word.startsWith("-")) ? ["--"] : [];
	return [
		verb ?? "",
		...options.map(quoted),
		...plain,
		...words.map(quoted),
	].join(" ");
}
