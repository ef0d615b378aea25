import { command, counted, Failure } from "@sluice/cli-kit";
import { ALL } from "../only.js";
import { perform, printResult } from "../perform.js";
import { filePositional, inputOf, onlyIn, onlyOption } from "./options.js";

export const diff = command({
	usage: "diff <file>",
	summary:
		"Compare the tables with a document: exit 0 where they are equal, 1 where they differ",
	positionals: filePositional,
	options: { only: onlyOption },
	examples: [
		["diff machine.yaml", "In CI, or as an alarm for changes by hand"],
	],
	parse: (args, env) => ({
		input: inputOf(args.text("file"), env),
		only: onlyIn(args),
	}),
	async run({ input, only }, context) {
		// What it would be refused for is for the one who applies it.
		const result = await perform(
			input,
			{
				dryRun: true,
				generation: BigInt(Number.MAX_SAFE_INTEGER),
				mostDeletes: { percent: 100 },
				allowEmpty: true,
				forceOwner: true,
				only: only ?? ALL,
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
