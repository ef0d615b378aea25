import { ratios, type Spread, spread } from "./statistics.js";

/** What was measured for one row. */
export type Row = {
	title: string;
	/** Of the figures: "Gbit/s", "ms". */
	unit: string;
	/** By column, one figure a round. */
	samples: Record<string, number[]>;
};

export type Table = {
	title: string;
	/** The column that all others are a ratio to; none: the figures themselves are shown. */
	base?: string;
	columns: string[];
	rows: Row[];
};

/** One cell as it is printed and written. */
type Cell = Spread & { ratio?: Spread };

export function cell(table: Table, row: Row, column: string): Cell | undefined {
	const samples = row.samples[column];
	if (!samples?.length) return undefined;
	const base = table.base && row.samples[table.base];
	const against = base ? ratios(samples, base) : [];
	return {
		...spread(samples),
		...(against.length > 0 ? { ratio: spread(against) } : {}),
	};
}

/** The table as aligned text: median and, in brackets, minimum and maximum. */
export function format(table: Table): string {
	const head = ["", ...table.columns];
	const body = table.rows.map((row) => [
		row.title,
		...table.columns.map((column) => cellText(table, row, column)),
	]);
	const widths = head.map((_, i) =>
		Math.max(...[head, ...body].map((line) => line[i]?.length ?? 0)),
	);
	const lines = [head, ...body].map((line) =>
		line
			.map((text, i) => text.padEnd(widths[i] ?? 0))
			.join("  ")
			.trimEnd(),
	);
	return [table.title, ...lines].join("\n");
}

function cellText(table: Table, row: Row, column: string): string {
	const found = cell(table, row, column);
	if (!found) return "–";
	const absolute = `${figure(found.median)} ${row.unit}`;
	if (!found.ratio)
		return `${absolute} [${figure(found.min)} ${figure(found.max)}]`;
	if (column === table.base) return `1.00 = ${absolute}`;
	const { median, min, max } = found.ratio;
	return `${median.toFixed(2)} [${min.toFixed(2)} ${max.toFixed(2)}]`;
}

/** Three digits that say something. */
export function figure(value: number): string {
	if (value >= 1000)
		return Math.round(value).toLocaleString("en").replaceAll(",", " ");
	return value.toPrecision(3);
}
