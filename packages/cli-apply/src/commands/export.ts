import { hostname } from "node:os";
import { command, toJson, writePrivately } from "@sluice/cli-kit";
import {
	documentOf,
	lastApplied,
	openApplied,
	rowsOfMachine,
	yamlLines,
} from "@sluice/machine";
import { onlyIn, onlyOption } from "./options.js";

export const exportDocument = command({
	usage: "export",
	summary: "Print the tables as a document",
	options: {
		"show-keys": {
			type: "boolean",
			describe: "With the keys, without which it cannot be applied",
		},
		only: onlyOption,
		output: {
			type: "string",
			value: "file",
			describe:
				"Write to a file that only its owner may read; replaces an existing file",
		},
	},
	examples: [
		[
			"export --show-keys --output machine.yaml",
			"Begin with what was set by hand",
		],
	],
	parse: (args) => ({
		showKeys: args.flag("show-keys"),
		only: onlyIn(args),
		output: args.optional("output"),
	}),
	run({ showKeys, only, output }, context) {
		const last = lastApplied(openApplied(context, { readOnly: true }));
		const name = last?.owner ?? hostname();
		const generation = last?.generation ?? 1n;
		const rows = rowsOfMachine(context, only, showKeys);
		const lines = () => yamlLines(rows, name, generation);
		const document = () => documentOf(rows, name, generation);
		if (output === undefined) return context.print(lines, document);
		const text = context.json ? toJson(document()) : lines().join("\n");
		writePrivately(output, (out) => out(`${text}\n`));
		context.print([`written to ${output}`], { file: output });
	},
});
