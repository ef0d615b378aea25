import type { Context } from "@sluice/cli-kit";
import type { Applied } from "@sluice/maps/tables";
import { lastApplied, openApplied } from "./applied.js";
import { ALL, onlyOf } from "./only.js";
import { rowsDigest } from "./rows-digest.js";

/** Whether rows, or the interfaces that they are of, were changed since the last apply, remotes aside. @returns undefined where nothing was applied */
export function isDrifted(context: Context): boolean | undefined {
	const record = openApplied(context, { readOnly: true });
	const last = lastApplied(record);
	record.close();
	if (!last) return undefined;
	const only = last.only === "" ? ALL : onlyOf(last.only);
	return !rowsDigest(context, only, last.salt).state.equals(last.state);
}

/** Whether all rows are as they were applied, remotes included. */
export function isAsApplied(context: Context, last: Applied): boolean {
	const { state, rows } = rowsDigest(context, ALL, last.salt);
	return state.equals(last.state) && rows.equals(last.rows);
}
