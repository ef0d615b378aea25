import { command, counted, Failure } from "@sluice/cli-kit";
import { perform } from "@sluice/machine";
import { printResult } from "../print-result.js";
import { filePositional, inputOf, onlyIn, onlyOption } from "./options.js";

export const diff = command({
	usage: "diff <file>",
	summary:
		"Compare the tables with a document: exit code 0 if they are equal, 1 if they differ",
	positionals: filePositional,
	options: { only: onlyOption },
	examples: [
		["diff machine.yaml", "In CI, or as an alarm for changes by hand"],
	],
	parse: (args, env) => ({
		input: inputOf(args.text("file"), env),
		only: onlyIn(args),
	}),
	run({ input, only }, context) {
		const result = perform(
			input,
			{
				dryRun: true,
				guarded: false,
				generation: undefined,
				mostDeletes: undefined,
				allowEmpty: true,
				forceOwner: true,
				only,
			},
			context,
		);
		printResult(result, "diff", context);
		const count = result.differences?.length ?? 0;
		if (count > 0)
			throw new Failure(
				"failed",
				`${counted(count, "difference")} from the document`,
				{ code: "DIFFERS", hint: `cli_apply ${input.file} makes them equal` },
			);
	},
});
