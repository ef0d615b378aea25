import { Failure } from "../failure.js";
import { counted } from "../output.js";

/** What is wrong with one line of a file. */
export interface LineError {
	/** Counted from 1. */
	line: number;
	code: string;
	message: string;
	hint?: string;
}

/** Lines that are wrong, all of them, where one is enough to leave everything as it was. */
export class LineErrors extends Failure {
	readonly lines: readonly LineError[];

	constructor(lines: readonly LineError[]) {
		super("usage", `${counted(lines.length, "error")}: nothing was changed`, {
			code: "LINES",
		});
		this.lines = lines;
	}
}

export const lineError = (line: number, error: Failure): LineError => ({
	line,
	code: error.code,
	message: error.message,
	...(error.hint === undefined ? {} : { hint: error.hint }),
});
