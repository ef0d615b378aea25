import type { EachRow } from "@sluice/cli-kit";

/**
 * Columns aligned to the right, each one space wider than its widest cell, like Go's tabwriter with cells that
 * end in tabs; scripts depend on this format.
 *
 * @param rows is called twice, for the widths and for the lines: a large table is never in memory as a whole
 */
export function alignedRight(
	rows: EachRow<readonly string[]>,
): EachRow<string> {
	const widths: number[] = [];
	rows((row) => {
		for (const [column, cell] of row.entries())
			widths[column] = Math.max(widths[column] ?? 0, length(cell));
	});
	return (line) =>
		rows((row) => {
			let text = "";
			for (const [column, cell] of row.entries())
				text +=
					" ".repeat(1 + (widths[column] as number) - length(cell)) + cell;
			line(text);
		});
}

/** In characters, as Go counts: a surrogate pair is one. */
const length = (text: string) =>
	/[\ud800-\udfff]/.test(text) ? [...text].length : text.length;
