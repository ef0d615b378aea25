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
import {
	type Binding,
	bindingText,
	bindingWords,
	inOrder,
} from "./binding/binding.js";
import { bind, unbind } from "./commands/binding.js";
import { placeOf } from "./commands/place.js";

/** The label of each packed key: what the lines of a batch are carried out on. */
type Plan = Map<string, string>;

/** How bindings are batched, saved and restored. */
export const bulk: Engine = {
	async apply(program, application, context) {
		const { withWriter } = await import("./state/writer.js");
		const { readBindings } = await import("./state/bindings.js");
		const { replaceBindings } = await import("./state/replace.js");
		const { text, isAll, dryRun } = application;
		withWriter(placeOf(context), (writer) => {
			const before = planOf(readBindings(writer.tables));
			const plan: Plan = new Map(isAll ? [] : before);
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
			if (differences.length > 0) replaceBindings(writer, plan);
			printChanges(context, lines, counts);
		});
	},
	async save(context: Context) {
		const { readBindings } = await import("./state/bindings.js");
		const { openTables } = await import("./state/tables.js");
		const tables = openTables(placeOf(context), { readOnly: true });
		const bindings = inOrder(readBindings(tables));
		tables.close();
		return bindings.map((one) => lineFor(bind, one));
	},
};

const planOf = (bindings: readonly Binding[]): Plan =>
	new Map(bindings.map(({ label, key }) => [key, label]));

function bindIn(plan: Plan, binding: Binding): void {
	plan.set(binding.key, binding.label);
}

function unbindIn(plan: Plan, binding: Binding): void {
	const { label, key } = binding;
	const old = plan.get(key);
	if (old === undefined) throw missing(`no binding ${bindingText(binding)}`);
	if (old !== label)
		throw missing(`no binding ${bindingText(binding)}: it leads to "${old}"`);
	plan.delete(key);
}

function differencesOf(before: Plan, after: Plan): DifferenceLine[] {
	const differences: DifferenceLine[] = [];
	const written: Binding[] = [];
	for (const [key, label] of after)
		if (before.get(key) !== label) written.push({ key, label });
	for (const one of inOrder(written))
		differences.push({
			change: before.has(one.key) ? "change" : "add",
			line: lineFor(bind, one),
		});
	const deleted: Binding[] = [];
	for (const [key, label] of before)
		if (!after.has(key)) deleted.push({ key, label });
	for (const one of inOrder(deleted))
		differences.push({ change: "delete", line: lineFor(unbind, one) });
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

const lineFor = (command: typeof bind | typeof unbind, binding: Binding) =>
	lineOf([command === bind ? "bind" : "unbind", ...bindingWords(binding)]);
