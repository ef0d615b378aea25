import {
	type Args,
	type Env,
	type OptionSpec,
	readBytes,
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
		"The rows that the document owns: config, tunnels[:FROM-TO], services[:FROM-TO], separated by commas; others stay",
};

/** Options of every command that applies a document, or would. */
export const applyOptions: Readonly<Record<string, OptionSpec>> = {
	generation: {
		type: "string",
		describe: "Generation, in place of the document's",
	},
	"max-delete": {
		type: "string",
		describe:
			"Rows that may be deleted: a number, or a share such as 30% [default: 20 or 10%]",
	},
	"allow-empty": {
		type: "boolean",
		describe: "Accept a document without rows: delete all",
	},
	"force-owner": {
		type: "boolean",
		describe:
			"Accept a document of another machine, or with another --only, than the one applied before",
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
	bytes: readBytes(file, env),
});
