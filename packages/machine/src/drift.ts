import type { Context } from "@sluice/cli-kit";
import { lastApplied, openApplied } from "./applied.js";
import { ALL, onlyOf } from "./only.js";
import { rowsDigest } from "./rows-digest.js";

/** Whether rows were changed since the last apply, remotes aside. @returns undefined where nothing was applied */
export function isDrifted(context: Context): boolean | undefined {
	const record = openApplied(context, { readOnly: true });
	const last = lastApplied(record);
	record.close();
	if (!last) return undefined;
	const only = last.only === "" ? ALL : onlyOf(last.only);
	return !rowsDigest(context, only, last.salt).state.equals(last.state);
}
