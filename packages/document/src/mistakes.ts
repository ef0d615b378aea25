import { badInput } from "@sluice/cli-kit";

/** Keys of mappings and indices of lists, from the top of a document. */
export type Path = readonly PropertyKey[];

/** A position in a file: line and column from 1, the column in UTF-16 units. */
export interface Position {
	line: number;
	column: number;
}

/** Where a path is in a file; of a part that is missing, where its parent is. */
export type PositionAt = (path: Path) => Position;

/** The line of a file that a path is on. */
export type LineAt = (path: Path) => number;

/** Mistakes of one file that are printed; of the rest, the number. */
const SHOWN = 10;

const START: Position = { line: 1, column: 1 };

/** Collects what is wrong with a file. */
export class Mistakes {
	readonly #file: string;
	readonly #columns: boolean;
	readonly #found: { at: Position | Path; text: string }[] = [];

	/**
	 * @param file for messages; empty: they are about no file, and have no position
	 * @param columns whether the column is printed after the line
	 */
	constructor(file: string, columns = false) {
		this.#file = file;
		this.#columns = columns;
	}

	/** How many there are. */
	get count(): number {
		return this.#found.length;
	}

	/** @param at its position, or its path, whose position is looked up if the mistake is shown */
	add(at: Position | Path, text: string): void {
		this.#found.push({ at, text });
	}

	/** @throws Failure usage: the first mistakes by position, and how many more there are */
	throwIfAny(positionAt: PositionAt = () => START): void {
		if (this.#found.length === 0) return;
		const lines = this.#found
			.slice(0, SHOWN)
			.map(({ at, text }) => ({
				position: isPosition(at) ? at : positionAt(at),
				text,
			}))
			.sort(
				({ position: a }, { position: b }) =>
					a.line - b.line || a.column - b.column,
			)
			.map(({ position, text }) =>
				this.#file === "" ? text : `${this.#placeText(position)}: ${text}`,
			);
		const more = this.#found.length - lines.length;
		if (more > 0) lines.push(`and ${more} more`);
		throw badInput(lines);
	}

	#placeText = ({ line, column }: Position) =>
		`${this.#file}:${line}${this.#columns ? `:${column}` : ""}`;
}

const isPosition = (at: Position | Path): at is Position => "line" in at;

/** `[0].upstream[1].port`. */
export const pathText = (path: Path) =>
	path.reduce<string>(
		(text, part) =>
			text +
			(typeof part === "number"
				? `[${part}]`
				: `${text === "" ? "" : "."}${String(part)}`),
		"",
	);
