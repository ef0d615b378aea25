import type { Context } from "@sluice/cli-kit";
import { placeOf } from "./place.js";

/** What completes `<label>`: the labels of bindings and destinations, in order. */
export async function labels(context: Context): Promise<string[]> {
	const { readBindings } = await import("../state/bindings.js");
	const { openTables } = await import("../state/tables.js");
	const { readDestinations } = await import("../state/status.js");
	const tables = openTables(placeOf(context), { readOnly: true });
	const found = [...readBindings(tables), ...readDestinations(tables)];
	tables.close();
	return [...new Set(found.map(({ label }) => label))].sort();
}
