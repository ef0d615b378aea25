import { Failure } from "@sluice/cli-kit";
import { type Mistakes, type Path, pathText } from "@sluice/document";

/** A mapping of a document with known keys. */
export type Fields = Readonly<Record<string, unknown>>;

/**
 * Takes a document's data apart. What is wrong is added to the mistakes, with its path, and `undefined` stands in its
 * place.
 */
export class Reader {
	readonly #mistakes: Mistakes;

	constructor(mistakes: Mistakes) {
		this.#mistakes = mistakes;
	}

	/** A mapping that has all required keys, and no others than the known ones. */
	mapping(
		value: unknown,
		path: Path,
		required: readonly string[],
		optional: readonly string[] = [],
	): Fields | undefined {
		if (typeof value !== "object" || value === null || Array.isArray(value)) {
			this.wrong(path, `expected a mapping, got ${shown(value)}`);
			return undefined;
		}
		let isRight = true;
		for (const key in value)
			if (!required.includes(key) && !optional.includes(key)) {
				isRight = false;
				this.wrong(
					[...path, key],
					`unknown; known are ${[...required, ...optional].join(", ")}`,
				);
			}
		for (const key of required)
			if (!Object.hasOwn(value, key)) {
				isRight = false;
				this.wrong(path, `${key} is missing`);
			}
		return isRight ? (value as Fields) : undefined;
	}

	/** A list; one that is left out is empty. */
	list(value: unknown, path: Path): Iterable<unknown> {
		if (value === undefined) return [];
		if (isList(value)) return value;
		this.wrong(path, `expected a list, got ${shown(value)}`);
		return [];
	}

	/** A text, read by a parser of command lines. */
	text<T>(
		fields: Fields,
		key: string,
		path: Path,
		parse: (name: string, text: string) => T,
	): T | undefined {
		const value = fields[key];
		if (typeof value === "string") return this.parsed(key, value, path, parse);
		this.wrong([...path, key], `expected a text, got ${shown(value)}`);
		return undefined;
	}

	/** A number, read by a parser of command lines. */
	number<T>(
		fields: Fields,
		key: string,
		path: Path,
		parse: (name: string, text: string) => T,
	): T | undefined {
		const value = fields[key];
		if (typeof value === "number")
			return this.parsed(key, String(value), path, parse);
		this.wrong([...path, key], `expected a number, got ${shown(value)}`);
		return undefined;
	}

	/** What a parser of command lines makes of a text. Its message has the key in it. */
	parsed<T>(
		key: string,
		text: string,
		path: Path,
		parse: (name: string, text: string) => T,
	): T | undefined {
		try {
			return parse(key, text);
		} catch (error) {
			return this.#refused(key, path, error);
		}
	}

	/** What a check of a key's value returns. Its message has the key in it. */
	checked<T>(
		key: string,
		path: Path,
		check: (name: string) => T,
	): T | undefined {
		try {
			return check(key);
		} catch (error) {
			return this.#refused(key, path, error);
		}
	}

	#refused(key: string, path: Path, error: unknown): undefined {
		if (!(error instanceof Failure)) throw error;
		const parent = pathText(path);
		this.#mistakes.add(
			[...path, key],
			parent ? `${parent}: ${error.message}` : error.message,
		);
	}

	wrong(path: Path, what: string): void {
		const name = pathText(path);
		this.#mistakes.add(path, name ? `${name}: ${what}` : what);
	}
}

/** An array, or rows that are parsed one by one. */
const isList = (value: unknown): value is Iterable<unknown> =>
	typeof value === "object" && value !== null && Symbol.iterator in value;

/** What was got, without its text, which may be a key. */
export function shown(value: unknown): string {
	if (value === undefined || value === null) return "nothing";
	if (isList(value)) return "a list";
	if (typeof value === "object") return "a mapping";
	return typeof value === "string" ? "a text" : `a ${typeof value}`;
}
