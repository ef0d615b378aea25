import { command } from "@sluice/cli-kit";
import { bindingText, inOrder } from "../binding/binding.js";
import { jsonOf } from "./binding.js";
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
		const { keepYoungGenerationSmall } = await import(
			"../state/young-generation.js"
		);
		keepYoungGenerationSmall();
		const set = readBindingsFile(file, context.env);
		const { added, removed } = withWriter(placeOf(context), (writer) =>
			replaceBindings(writer, set),
		);
		const changes = { added: inOrder(added), removed: inOrder(removed) };
		context.printLong(
			(line) => {
				for (const [what, bindings] of Object.entries(changes))
					for (const one of bindings) line(`${what} ${bindingText(one)}`);
			},
			{ added: jsonOf(changes.added), removed: jsonOf(changes.removed) },
		);
	},
});
