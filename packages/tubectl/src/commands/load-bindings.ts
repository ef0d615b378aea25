import { type Context, command } from "@sluice/cli-kit";
import {
	type Binding,
	bindingJson,
	bindingText,
	inOrder,
} from "../binding/binding.js";
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
		const { readBindingsFile } = await import("../binding/file.js");
		const { withWriter } = await import("../state/writer.js");
		const { replaceBindings } = await import("../state/replace.js");
		const set = readBindingsFile(file, context.env);
		const { added, removed } = withWriter(placeOf(context), (writer) =>
			replaceBindings(writer, set),
		);
		if (context.json)
			context.print([], {
				added: inOrder(added).map(bindingJson),
				removed: inOrder(removed).map(bindingJson),
			});
		else {
			printAll(context, "added", inOrder(added));
			printAll(context, "removed", inOrder(removed));
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
