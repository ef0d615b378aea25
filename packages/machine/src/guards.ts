import { badInput } from "@sluice/cli-kit";
import { refused } from "./applied.js";
import type { Machine } from "./machine.js";

/** How many rows may go: a number, or a share of those that are there. */
export type MostDeletes = { rows: number } | { percent: number };

/** Without `--max-delete`, the larger of the two. */
const DEFAULT_ROWS = 20;
const DEFAULT_PERCENT = 10;

/** Reads `20` or `10%`. @throws Failure usage */
export function mostDeletes(text: string): MostDeletes {
	const [, number, percent] = /^(\d{1,7})(%?)$/.exec(text) ?? [];
	if (number !== undefined && (!percent || Number(number) <= 100))
		return percent ? { percent: Number(number) } : { rows: Number(number) };
	throw badInput(
		`max-delete must be a number of rows, or a share from 0% to 100%, got "${text}"`,
	);
}

/** @throws Failure usage: EMPTY */
export function checkEmpty(
	{ config, tunnels, services }: Machine,
	allowEmpty: boolean,
): void {
	if (allowEmpty || config.length + tunnels.length + services.length > 0)
		return;
	throw refused(
		"EMPTY",
		"the document has no row, so everything would be deleted",
		"if this is meant, use --allow-empty",
	);
}

/**
 * @param deleted how many of the rows that are `present` would go
 * @throws Failure usage: MASS_DELETE
 */
export function checkDeletes(
	{ deleted, present }: { deleted: number; present: number },
	most: MostDeletes | undefined,
): void {
	const share = (percent: number) => Math.floor((present * percent) / 100);
	const allowed =
		most === undefined
			? Math.max(DEFAULT_ROWS, share(DEFAULT_PERCENT))
			: "rows" in most
				? most.rows
				: share(most.percent);
	if (deleted <= allowed) return;
	throw refused(
		"MASS_DELETE",
		`${deleted} of ${present} rows would be deleted, at most ${allowed} may be`,
		`if this is meant, use --max-delete ${deleted}`,
	);
}
