import { badInput } from "@sluice/cli-kit";

/** Keys of mappings and indices of lists, from the top of a document. */
export type Path = readonly PropertyKey[];

/** The line of a file, counted from 1, that a path is on. */
export type LineAt = (path: Path) => number;

/** Mistakes of one file that are shown; the rest is counted. */
const SHOWN = 10;

/** Collects what is wrong with a file. */
export class Mistakes {
	readonly #file: string;
	readonly #found: { at: number | Path; text: string }[] = [];

	constructor(file: string) {
		this.#file = file;
	}

	/** @param at its line, or its path, of which the line is looked up if the mistake is shown */
	add(at: number | Path, text: string): void {
		this.#found.push({ at, text });
	}

	/** @throws Failure usage: the first mistakes by line, and how many more there are */
	throwIfAny(lineAt: LineAt = () => 1): void {
		if (this.#found.length === 0) return;
		const lines = this.#found
			.slice(0, SHOWN)
			.map(({ at, text }) => ({
				line: typeof at === "number" ? at : lineAt(at),
				text,
			}))
			.sort((a, b) => a.line - b.line)
			.map(({ line, text }) => `${this.#file}:${line}: ${text}`);
		const more = this.#found.length - lines.length;
		if (more > 0) lines.push(`and ${more} more`);
		throw badInput(lines);
	}
}

/** `[0].upstream[1].port`. */
export const pathText = (path: Path) =>
	path.reduce<string>(
		(text, part) =>
			text + (typeof part === "number" ? `[${part}]` : `.${String(part)}`),
		"",
	);
