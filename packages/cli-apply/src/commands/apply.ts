import { command } from "@sluice/cli-kit";
import { perform } from "@sluice/machine";
import { printResult } from "../print-result.js";
import { applyOptions, filePositional, inputOf, optionsOf } from "./options.js";

export const apply = command({
	usage: "$0 <file>",
	summary: "Make the tables equal to a document; write only the difference",
	positionals: filePositional,
	options: {
		"dry-run": {
			type: "boolean",
			describe: "Print the difference, and change nothing",
		},
		...applyOptions,
	},
	examples: [
		["/etc/sluice/machine.yaml --dry-run", "Show what would be changed"],
		["/etc/sluice/machine.yaml", "Apply it"],
	],
	parse: (args, env) => ({
		input: inputOf(args.text("file"), env),
		options: optionsOf(args, args.flag("dry-run")),
	}),
	run({ input, options }, context) {
		printResult(perform(input, options, context), "", context);
	},
});
