import type { Args, OptionSpec } from "../command.js";
import type { Context } from "../context.js";
import { badInput } from "../failure.js";
import { toJson } from "../output.js";
import * as values from "../values.js";

export const watchOptions: Readonly<Record<string, OptionSpec>> = {
	watch: {
		type: "boolean",
		describe: "Show totals and rates, updated until stopped",
	},
	interval: {
		type: "string",
		describe: "With --watch: seconds between two updates [default: 1]",
	},
	count: { type: "string", describe: "With --watch: stop after N updates" },
};

/** How often to look. */
export interface Looks {
	/** Seconds. */
	interval: number;
	count: number;
}

/** @returns undefined without --watch. @throws Failure usage */
export function looksOf(args: Args): Looks | undefined {
	const interval = args.optional("interval");
	const count = args.optional("count");
	if (args.flag("watch"))
		return {
			interval: values.seconds("interval", interval ?? "1"),
			count:
				count === undefined
					? Number.POSITIVE_INFINITY
					: values.integer("count", count, 1, 0xffff_ffff),
		};
	for (const [name, value] of Object.entries({ interval, count }))
		if (value !== undefined) throw badInput(`--${name} goes with --watch`);
	return undefined;
}

/** Counters that are looked at again and again. */
interface Watched<T> {
	/** What the document calls the rows, "tunnels". */
	noun: string;
	/** The counters of all rows as they are. */
	read(): T[];
	/** What a row is known by from one look to the next. */
	name(row: T): string | number;
	/** The counters of a row, each with a name of its own. */
	counters(row: T): Readonly<Record<string, bigint>>;
	/** Rows that are shown though they do not move. */
	always?(row: T): boolean;
	/** Lines of text for rows, the most active first. */
	lines(rows: readonly Moving<T>[]): string[];
}

/** A row with the rates of its counters per second and the time of their last change. */
interface Moving<T> {
	row: T;
	rates: Readonly<Record<string, number>>;
	/** Undefined: not since the first look. */
	changed: Date | undefined;
}

/** The cell of a row for the time of its last change: "13:37:02", "-" for none. */
export const changedCell = ({ changed }: Moving<unknown>): string =>
	changed === undefined ? "-" : clockTime(changed);

/** Local time of day. */
const clockTime = (time: Date) =>
	[time.getHours(), time.getMinutes(), time.getSeconds()]
		.map((part) => String(part).padStart(2, "0"))
		.join(":");

/**
 * Prints totals and rates at each interval: in place on a terminal, as one line of JSON with --json. A row
 * that has moved stays, so that a single drop is seen. Rows that have not moved since the first look are left out, so that
 * a hundred thousand tunnels do not bury the ten that have.
 */
export async function watch<T>(
	context: Context,
	{ interval, count }: Looks,
	watched: Watched<T>,
): Promise<void> {
	let before = look(watched);
	const changes = new Map<string | number, Date>();
	const show = context.env.isTerminal ? inPlace() : below;
	const signal = context.env.stopped?.();
	// Loaded here because most commands do not wait.
	const { setTimeout: sleep } = process.getBuiltinModule(
		"node:timers/promises",
	);
	for (let n = 0; n < count; n++) {
		await sleep(1000 * interval, undefined, signal ? { signal } : {}).catch(
			() => {},
		);
		if (signal?.aborted) return;
		const now = look(watched);
		const seconds = (now.at - before.at) / 1000;
		const moving = movement(watched, before, now, changes);
		if (context.json)
			context.env.out(`${toJson(documentOf(watched, moving, seconds))}\n`);
		else show(context, watched.lines(moving));
		before = now;
	}
}

interface Look<T> {
	/** Milliseconds of a monotonic clock. */
	at: number;
	rows: Map<string | number, T>;
}

function look<T>({ read, name }: Watched<T>): Look<T> {
	const rows = new Map(read().map((row) => [name(row), row]));
	return { at: performance.now(), rows };
}

function movement<T>(
	{ counters, always }: Watched<T>,
	before: Look<T>,
	now: Look<T>,
	changes: Map<string | number, Date>,
): Moving<T>[] {
	const seconds = (now.at - before.at) / 1000;
	const time = new Date();
	const moving: (Moving<T> & { activity: number })[] = [];
	for (const [name, row] of now.rows) {
		const old = before.rows.get(name);
		const was = old && counters(old);
		const rates: Record<string, number> = {};
		let activity = 0;
		for (const [counter, value] of Object.entries(counters(row))) {
			// A new row, and one whose counters were deleted, starts at 0.
			const from = was?.[counter] ?? 0n;
			const rate = Number(value - (from > value ? 0n : from)) / seconds;
			rates[counter] = Math.round(10 * rate) / 10;
			activity += rate;
		}
		if (activity > 0) changes.set(name, time);
		const changed = changes.get(name);
		if (changed || always?.(row))
			moving.push({ row, rates, changed, activity });
	}
	const last = ({ changed }: Moving<T>) => changed?.getTime() ?? 0;
	return moving
		.sort((a, b) => b.activity - a.activity || last(b) - last(a))
		.map(({ row, rates, changed }) => ({ row, rates, changed }));
}

const documentOf = <T>(
	{ noun }: Watched<T>,
	moving: readonly Moving<T>[],
	seconds: number,
) => ({
	seconds: Math.round(1000 * seconds) / 1000,
	[noun]: moving.map(({ row, rates, changed }) => ({
		...row,
		perSecond: rates,
		changed: changed?.toISOString() ?? null,
	})),
});

/** Prints one look below the other, for a pipe. */
export const below = ({ env }: Context, lines: readonly string[]) =>
	env.out(`${lines.join("\n")}\n\n`);

/** Prints each look in the place of the one before. */
export function inPlace() {
	let height = 0;
	return ({ env }: Context, lines: readonly string[]) => {
		const rows = Math.max((process.stdout.rows || 24) - 1, 2);
		const shown = lines.slice(0, rows);
		const up = height > 0 ? `\x1b[${height}A\r\x1b[J` : "";
		height = shown.length;
		// Without wrapping: a long line must not take two of the terminal's.
		env.out(`${up}\x1b[?7l${shown.join("\n")}\x1b[?7h\n`);
	};
}
