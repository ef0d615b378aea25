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
		const { keepYoungGenerationSmall } = await import(
			"./state/young-generation.js"
		);
		keepYoungGenerationSmall();
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
			const counts = countsOf(before, plan);
			if (dryRun)
				return printChanges(context, lines, counts, linesOf(before, plan));
			if (counts.written + counts.deleted > 0) replaceBindings(writer, plan);
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

function countsOf(before: Plan, after: Plan) {
	let added = 0;
	let changed = 0;
	for (const [key, label] of after) {
		const old = before.get(key);
		if (old === undefined) added++;
		else if (old !== label) changed++;
	}
	const deleted = before.size + added - after.size;
	const written = added + changed;
	return {
		written,
		deleted,
		tables:
			written + deleted > 0 ? { bindings: { added, changed, deleted } } : {},
	};
}

/** What a dry run prints. */
function linesOf(before: Plan, after: Plan): DifferenceLine[] {
	const written = [...after]
		.filter(([key, label]) => before.get(key) !== label)
		.map(([key, label]) => ({ key, label }));
	const deleted = [...before]
		.filter(([key]) => !after.has(key))
		.map(([key, label]) => ({ key, label }));
	return [
		...inOrder(written).map((one) => ({
			change: before.has(one.key) ? ("change" as const) : ("add" as const),
			line: lineFor(bind, one),
		})),
		...inOrder(deleted).map((one) => ({
			change: "delete" as const,
			line: lineFor(unbind, one),
		})),
	];
}

const lineFor = (command: typeof bind | typeof unbind, binding: Binding) =>
	lineOf([command === bind ? "bind" : "unbind", ...bindingWords(binding)]);
