import type { Args, OptionSpec, Program } from "../command.js";
import type { Context } from "../context.js";

/** Lines to be carried out together. */
export interface Application {
	/** The lines of the file. */
	text: string;
	/** They say all that there is to be: what no line names goes. */
	isAll: boolean;
	/** With `isAll`: also where no line says anything. */
	allowEmpty: boolean;
	/** Print what would be changed, and change nothing. */
	dryRun: boolean;
	/** What the command line says besides. */
	args: Args;
}

/** What stands behind batch, save and restore in a program. */
export interface Engine {
	/** Prints what a batch makes of the present state: see `printChanges`. @throws LineErrors: nothing was changed */
	apply(
		program: Program,
		application: Application,
		context: Context,
	): void | Promise<void>;
	/** The lines that recreate the state. */
	save(context: Context, args: Args): string[] | Promise<string[]>;
	/** What `save --help` has to add: that the lines hold secrets. */
	saveNote?: string;
	saveOptions?: Readonly<Record<string, OptionSpec>>;
	/** Options of `restore`, beside its own. */
	restoreOptions?: Readonly<Record<string, OptionSpec>>;
}
