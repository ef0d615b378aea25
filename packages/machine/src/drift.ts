import type { Context } from "@sluice/cli-kit";
import { type Applied, configTable } from "@sluice/maps/tables";
import { lastApplied, openApplied } from "./applied.js";
import { ALL, onlyOf } from "./only.js";
import { rowsDigest, rowsOfKernel } from "./rows-digest.js";

/** Whether rows were changed since the last apply, remotes aside. @returns undefined where nothing was applied */
export function isDrifted(context: Context): boolean | undefined {
	const record = openApplied(context, { readOnly: true });
	const last = lastApplied(record);
	record.close();
	if (!last) return undefined;
	const only = last.only === "" ? ALL : onlyOf(last.only);
	return !rowsDigest(rowsOfKernel(context), only, last.salt).state.equals(
		last.state,
	);
}

/** Whether all rows are as they were applied, remotes included, and those of an interface are of one that is there. */
export function isAsApplied(context: Context, last: Applied): boolean {
	const { state, rows } = rowsDigest(rowsOfKernel(context), ALL, last.salt);
	if (!state.equals(last.state) || !rows.equals(last.rows)) return false;
	const { kernel } = context;
	const config = context.openTable(configTable, { readOnly: true });
	const hooks = [...config.entries()].map(([hook]) => hook);
	config.close();
	return hooks.every(
		({ ifindex }) =>
			ifindex === 0 || kernel.interfaceName(ifindex) !== undefined,
	);
}
