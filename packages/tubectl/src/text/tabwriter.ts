/**
 * Columns aligned to the right, each one space wider than its widest cell: what Go's tabwriter makes of cells that
 * end in tabs, and what scripts expect of these listings.
 */
export function alignedRight(
	rows: readonly (readonly (string | number | bigint)[])[],
): string[] {
	const texts = rows.map((row) => row.map(String));
	const widths: number[] = [];
	for (const row of texts)
		for (const [column, cell] of row.entries())
			widths[column] = Math.max(widths[column] ?? 0, length(cell));
	return texts.map((row) =>
		row
			.map(
				(cell, column) =>
					" ".repeat(1 + (widths[column] as number) - length(cell)) + cell,
			)
			.join(""),
	);
}

/** In characters, as Go counts. */
const length = (text: string) =>
	/^[\x20-\x7e]*$/.test(text) ? text.length : [...text].length;
