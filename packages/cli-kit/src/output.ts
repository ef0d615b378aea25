/** A value that is JSON already: of a hundred thousand rows, text is made in half the time of objects. */
export class JsonText {
	readonly text: string;

	constructor(text: string) {
		this.text = text;
	}

	toJSON(): unknown {
		return JSON.parse(this.text);
	}
}

/** Fields that few rows have, behind others, `,"rotation":{…}`; without those that are undefined. */
export const fieldsJson = (fields: object): string =>
	Object.entries(fields)
		.filter(([, value]) => value !== undefined)
		.map(([name, value]) => `,${JSON.stringify(name)}:${JSON.stringify(value)}`)
		.join("");

/** One line of JSON; bigints as `exact` has them. */
export function toJson(value: unknown): string {
	if (value instanceof JsonText) return value.text;
	try {
		// Without a replacer, which would be called for each of a million values.
		return JSON.stringify(value);
	} catch (error) {
		if (!(error instanceof TypeError)) throw error;
		return JSON.stringify(value, (_, one) =>
			typeof one === "bigint" ? exact(one) : one,
		);
	}
}

/** A number where that is exact, else a string. */
export const exact = (value: bigint): number | string =>
	Number.isSafeInteger(Number(value)) ? Number(value) : String(value);

/** "1 tunnel", "2 tunnels". */
export const counted = (count: number, noun: string) =>
	`${count} ${noun}${count === 1 ? "" : "s"}`;

/** "12 s", "5 min", "3 h", "8 d": rounded down, to one unit. @param seconds not negative */
export function ageText(seconds: number): string {
	const [unit, size] = ages.find(([, size]) => seconds >= size) ?? ["s", 1];
	return `${Math.floor(seconds / size)} ${unit}`;
}

const ages: readonly (readonly [unit: string, seconds: number])[] = [
	["d", 86_400],
	["h", 3600],
	["min", 60],
];

/** Columns padded to their widest cell: right-aligned where `right` is set. */
export function aligned(
	rows: readonly (readonly string[])[],
	right: readonly boolean[] = [],
): string[] {
	const widths = (rows[0] ?? []).map((_, column) =>
		Math.max(...rows.map((row) => row[column]?.length ?? 0)),
	);
	return rows.map((row) =>
		row
			.map((cell, column) =>
				right[column]
					? cell.padStart(widths[column] ?? 0)
					: cell.padEnd(widths[column] ?? 0),
			)
			.join("  ")
			.trimEnd(),
	);
}

/** A message as one line: typed values may contain newlines and control characters. */
export const oneLine = (message: string) =>
	// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are replaced
	message.replace(/[\x00-\x1f\x7f-\x9f]/g, (character) =>
		character === "\n"
			? "\\n"
			: `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`,
	);
