import type { Context } from "@sluice/cli-kit";
import { readTables } from "./open.js";

/** What completes `<label>`: the labels of bindings and destinations, in order. */
export async function labels(context: Context): Promise<string[]> {
	const { readBindings } = await import("../state/read-bindings.js");
	const { readDestinations } = await import("../state/status.js");
	const tables = readTables(context);
	const found = [...readBindings(tables), ...readDestinations(tables)];
	tables.close();
	return [...new Set(found.map(({ label }) => label))].sort();
}
