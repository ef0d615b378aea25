import { type BulkTables, type Context, Failure } from "@sluice/cli-kit";
import {
	type BindingValue,
	destinationsTable,
	packedBindingsTable,
} from "@sluice/maps/tables";
import { type Binding, bindingWords, listingRank } from "./binding/binding.js";
import { bind } from "./commands/binding.js";
import { clearBindings, labelsById } from "./state/bindings.js";
import { destinationsOf } from "./state/destinations.js";

/** How bindings are batched, saved and restored. */
export const bulk: BulkTables<Binding, string, BindingValue> = {
	table: packedBindingsTable,
	derived: [destinationsTable.name],
	set: bind,
	rank: listingRank,
	setWords: (key, { id }, context) => [
		"bind",
		...bindingWords({ label: labelOf(id, context), key }),
	],
	delWords: (key, context, { id }) => [
		"unbind",
		...bindingWords({ label: labelOf(id, context), key }),
	],
	restoring(context) {
		context.locked(clearBindings);
		return { line() {}, end() {} };
	},
};

/** The label of each id, for all lines that a command prints. */
const labels = new WeakMap<Context, ReturnType<typeof labelsById>>();

function labelOf(id: number, context: Context): string {
	const label = context.staged
		? context.locked(
				(tables) => destinationsOf(tables).labels().get(id)?.key.label,
			)
		: savedLabels(context).get(id)?.label;
	if (label !== undefined) return label;
	throw new Failure(
		"failed",
		`a binding leads to destination ${id}, which does not exist`,
	);
}

function savedLabels(context: Context) {
	const known = labels.get(context);
	if (known) return known;
	const table = context.openTable(destinationsTable, { readOnly: true });
	const found = labelsById(table);
	table.close();
	labels.set(context, found);
	return found;
}
