import type { Args } from "../command.js";

/** Lines to be carried out together. */
export interface Application {
	/** The lines of the file. */
	text: string;
	/** A restore: rows without a line are deleted. */
	isAll: boolean;
	/** With `isAll`: also where no line sets anything. */
	allowEmpty: boolean;
	/** Print what would be changed, and change nothing. */
	dryRun: boolean;
	/** Arguments of the command line. */
	args: Args;
}
