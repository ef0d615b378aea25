/** One line of JSON; bigints as numbers where those are exact, else as strings; Buffers as hex. */
export function toJson(value: unknown): string {
	return JSON.stringify(value, plain);
}

function plain(this: unknown, name: string, value: unknown): unknown {
	if (typeof value === "bigint")
		return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
	// A Buffer has been made an object by its toJSON: look at what it was.
	const original = (this as Record<string, unknown>)[name];
	return Buffer.isBuffer(original) ? original.toString("hex") : value;
}

/** "1 tunnel", "2 tunnels". */
export const counted = (count: number, noun: string) =>
	`${count} ${noun}${count === 1 ? "" : "s"}`;

/** Columns padded to their widest cell: numbers to the right where `right` says so. */
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
