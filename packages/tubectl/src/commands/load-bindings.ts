import { type Context, command } from "@sluice/cli-kit";
import { type Binding, bindingJson, bindingText } from "../values/binding.js";
import { placeOf } from "./place.js";

export const loadBindings = command({
	usage: "load-bindings <file>",
	summary: "Make the bindings equal to those of a JSON file",
	positionals: {
		file: '{"bindings": [{"label": "foo", "prefix": "127.0.0.1/32", "port": 80}]}, each for tcp and udp; - reads standard input',
	},
	examples: [["load-bindings bindings.json", "prints what it changes"]],
	parse: (args) => args.text("file"),
	async run(file, context) {
		const { readBindingsFile } = await import("../values/bindings-file.js");
		const { withWriter } = await import("../state/writer.js");
		const { replaceBindings } = await import("../state/replace.js");
		const set = readBindingsFile(file, context.env);
		const { added, removed } = withWriter(placeOf(context), (writer) =>
			replaceBindings(writer, set),
		);
		if (context.json)
			context.print([], {
				added: added.map(bindingJson),
				removed: removed.map(bindingJson),
			});
		else {
			printAll(context, "added", added);
			printAll(context, "removed", removed);
		}
	},
});

/** Lines that are printed at once: there may be hundreds of thousands. */
const CHUNK = 10_000;

function printAll(
	context: Context,
	what: string,
	bindings: readonly Binding[],
): void {
	for (let at = 0; at < bindings.length; at += CHUNK)
		context.print(
			bindings
				.slice(at, at + CHUNK)
				.map((one) => `${what} ${bindingText(one)}`),
			undefined,
		);
}
