import type { Point } from "@sluice/overview";
import { type Html, html } from "./html.js";
import { short } from "./numbers.js";

const WIDTH = 600;
const HEIGHT = 120;
/** Milliseconds that the chart is wide. */
const SPAN = 600_000;

/** Packets in a second over the last ten minutes, in and out. */
export function chart(points: readonly Point[]): Html {
	const end = points.at(-1)?.time ?? 0;
	const top = Math.max(
		1,
		...points.flatMap(({ packetsIn, packetsOut }) => [packetsIn, packetsOut]),
	);
	const line = (value: (point: Point) => number) =>
		points
			.map((point) => {
				const x = WIDTH - ((end - point.time) / SPAN) * WIDTH;
				const y = HEIGHT - (value(point) / top) * (HEIGHT - 8);
				return `${x.toFixed(1)},${y.toFixed(1)}`;
			})
			.join(" ");
	return html`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="packets in a second over the last ten minutes, at most ${short(top)}">
<text x="4" y="12" class="dim">${short(top)}/s</text>
<text x="4" y="${HEIGHT - 4}" class="dim">10 min ago</text>
<polyline class="in" points="${line(({ packetsIn }) => packetsIn)}"/>
<polyline class="out" points="${line(({ packetsOut }) => packetsOut)}"/>
</svg>`;
}
