import type { Direction, Traffic } from "@sluice/maps/tables";
import type { Context } from "../context.js";
import { aligned, counted } from "../output.js";
import { changedCell, type Looks, watch } from "./watch.js";

/** Packets and bytes of each direction. */
type TwoWayTraffic = Readonly<Record<Direction, Traffic>>;

/** Things that have traffic: tunnels, services. */
interface TrafficRows<T extends TwoWayTraffic> {
	/** "tunnel". */
	noun: string;
	/** Names of the columns before the counters. */
	columns: readonly string[];
	read(): T[];
	/** A row's cells in these columns. */
	cells(row: T): string[];
	/** What a row is known by from one look to the next. */
	name(row: T): number;
	/** With --watch: rows are shown though they do not move. */
	always: boolean;
}

/** Prints the packets and bytes of each row; with --watch also their rates and the time of the last change. */
export function showTraffic<T extends TwoWayTraffic>(
	context: Context,
	looks: Looks | undefined,
	{ noun, columns, read, cells, name, always }: TrafficRows<T>,
): void | Promise<void> {
	const table = (names: readonly string[], rows: readonly string[][]) =>
		aligned(
			[[...columns, ...names], ...rows],
			[...columns, ...names].map(() => true),
		);
	if (looks)
		return watch<T>(context, looks, {
			noun: `${noun}s`,
			read,
			name,
			counters,
			always: () => always,
			lines: (moving) =>
				table(
					watchHeader,
					moving.map((one) => [
						...cells(one.row),
						...Object.values(counters(one.row)).map(String),
						...rateCells(one.rates),
						changedCell(one),
					]),
				),
		});
	const rows = read();
	const lines = () =>
		table(
			header,
			rows.map((row) => [
				...cells(row),
				...Object.values(counters(row)).map(String),
			]),
		);
	context.print(
		() => [...lines(), counted(rows.length, noun)],
		() => ({ [`${noun}s`]: rows }),
	);
}

const header = ["packets in", "bytes in", "packets out", "bytes out"];

const watchHeader = [
	...header,
	...header.map((name) => name.replace(" ", "/s ")),
	"last change",
];

/** In the order of the header. */
const counters = ({ ingress, egress }: TwoWayTraffic) => ({
	packetsIn: ingress.packets,
	bytesIn: ingress.bytes,
	packetsOut: egress.packets,
	bytesOut: egress.bytes,
});

const rateCells = (rates: Readonly<Record<string, number>>) =>
	Object.values(rates).map((rate) => String(Math.round(rate)));
