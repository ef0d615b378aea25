import {
	type Context,
	carryOut,
	carryOutAll,
	type DifferenceLine,
	type Engine,
	lineOf,
	missing,
	printChanges,
} from "@sluice/cli-kit";
import { bind, unbind } from "./commands/binding.js";
import { placeOf } from "./commands/place.js";
import { keyOf, pack } from "./state/binding-key.js";
import { type Binding, bindingText } from "./values/binding.js";
import { prefixText } from "./values/prefix.js";

/** Bindings by packed key: what the lines of a batch are carried out on. */
type Plan = Map<string, Binding>;

/** How bindings are batched, saved and restored. */
export const bulk: Engine = {
	async apply(program, application, context) {
		const { withWriter } = await import("./state/writer.js");
		const { readBindings } = await import("./state/bindings.js");
		const { BindingSet, replaceBindings } = await import("./state/replace.js");
		const { text, isAll, dryRun } = application;
		withWriter(placeOf(context), (writer) => {
			const before = planOf(readBindings(writer.tables));
			const wanted = new BindingSet();
			const plan = wanted.byKey;
			if (!isAll) for (const [key, one] of before) plan.set(key, one);
			const act = ({ spec, parsed }: { spec: unknown; parsed: unknown }) =>
				spec === bind
					? bindIn(plan, parsed as Binding)
					: unbindIn(plan, parsed as Binding);
			const lines = isAll
				? carryOutAll(program, application, context.env, bind, act)
				: carryOut(program, text, context.env, act);
			const differences = differencesOf(before, plan);
			const counts = countsOf(differences);
			if (dryRun) return printChanges(context, lines, counts, differences);
			if (differences.length > 0) replaceBindings(writer, wanted);
			printChanges(context, lines, counts);
		});
	},
	async save(context: Context) {
		const { readBindings } = await import("./state/bindings.js");
		const { openTables } = await import("./state/tables.js");
		const { inOrder } = await import("./state/order.js");
		const tables = openTables(placeOf(context), { readOnly: true });
		const bindings = inOrder(readBindings(tables));
		tables.close();
		return bindings.map((one) => lineFor(bind, one));
	},
};

const planOf = (bindings: readonly Binding[]): Plan =>
	new Map(bindings.map((one) => [pack(keyOf(one)), one]));

function bindIn(plan: Plan, binding: Binding): void {
	plan.set(pack(keyOf(binding)), binding);
}

function unbindIn(plan: Plan, binding: Binding): void {
	const key = pack(keyOf(binding));
	const old = plan.get(key);
	if (!old) throw missing(`no binding ${bindingText(binding)}`);
	if (old.label !== binding.label)
		throw missing(
			`no binding ${bindingText(binding)}: it leads to ${JSON.stringify(old.label)}`,
		);
	plan.delete(key);
}

function differencesOf(before: Plan, after: Plan): DifferenceLine[] {
	const differences: DifferenceLine[] = [];
	for (const [key, binding] of after) {
		const old = before.get(key);
		if (old?.label !== binding.label)
			differences.push({
				change: old ? "change" : "add",
				line: lineFor(bind, binding),
			});
	}
	for (const [key, binding] of before)
		if (!after.has(key))
			differences.push({ change: "delete", line: lineFor(unbind, binding) });
	return differences;
}

function countsOf(differences: readonly DifferenceLine[]) {
	const count = (wanted: DifferenceLine["change"]) =>
		differences.filter(({ change }) => change === wanted).length;
	const [added, changed, deleted] = [
		count("add"),
		count("change"),
		count("delete"),
	];
	return {
		written: added + changed,
		deleted,
		tables:
			differences.length > 0 ? { bindings: { added, changed, deleted } } : {},
	};
}

const lineFor = (
	command: typeof bind | typeof unbind,
	{ label, protocol, prefix, port }: Binding,
) =>
	lineOf([
		command === bind ? "bind" : "unbind",
		...[label, protocol, prefixText(prefix), String(port)],
	]);
