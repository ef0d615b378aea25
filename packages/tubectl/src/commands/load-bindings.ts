import { command, keepHeapSmall } from "@sluice/cli-kit";
import { bindingText } from "../binding/binding.js";
import { bindingChanges, replaceBindings } from "../state/bindings.js";
import { jsonOf } from "./binding.js";

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
		keepHeapSmall();
		const wanted = readBindingsFile(file, context.env);
		const changes = await context.transactMany(
			(tables) => {
				replaceBindings(tables, wanted);
				const changes = bindingChanges(tables);
				tables.commit();
				return changes;
			},
			{ whole: true, expected: () => wanted.size },
		);
		context.printLong(
			(line) => {
				for (const one of changes("added")) line(`added ${bindingText(one)}`);
				for (const one of changes("removed"))
					line(`removed ${bindingText(one)}`);
			},
			{ added: jsonOf(changes("added")), removed: jsonOf(changes("removed")) },
		);
	},
});
