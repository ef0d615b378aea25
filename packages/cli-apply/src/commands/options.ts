import {
	type Args,
	type Env,
	type OptionSpec,
	readText,
} from "@sluice/cli-kit";
import {
	ALL,
	generation,
	type Input,
	mostDeletes,
	type Options,
	onlyOf,
} from "@sluice/machine";

export const onlyOption: OptionSpec = {
	type: "string",
	describe:
		"The part that the document owns, others leave alone: config, tunnels[:FROM-TO], services[:FROM-TO], separated by commas",
};

/** Options of every command that applies a document, or would. */
export const applyOptions: Readonly<Record<string, OptionSpec>> = {
	generation: {
		type: "string",
		describe: "Its generation, in place of the document's own",
	},
	"max-delete": {
		type: "string",
		describe:
			"Rows that may be deleted, a number or a share such as 30% [default: 20 or 10%]",
	},
	"allow-empty": {
		type: "boolean",
		describe: "Also where the document has no row: all is deleted",
	},
	"force-owner": {
		type: "boolean",
		describe:
			"Also where another machine's document was applied, or one that owns another part",
	},
	only: onlyOption,
};

export const optionsOf = (args: Args, dryRun: boolean): Options => {
	const number = args.optional("generation");
	const most = args.optional("max-delete");
	return {
		dryRun,
		guarded: true,
		generation:
			number === undefined ? undefined : generation("generation", number),
		mostDeletes: most === undefined ? undefined : mostDeletes(most),
		allowEmpty: args.flag("allow-empty"),
		forceOwner: args.flag("force-owner"),
		only: onlyIn(args),
	};
};

export const onlyIn = (args: Args) => {
	const text = args.optional("only");
	return text === undefined ? ALL : onlyOf(text);
};

export const filePositional = {
	file: "The document, in YAML or JSON; - for standard input",
};

/** @throws Failure usage: it cannot be read */
export const inputOf = (file: string, env: Env): Input => ({
	file,
	text: readText(file, env),
});
