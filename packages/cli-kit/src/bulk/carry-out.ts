import type { Program } from "../command.js";
import { Failure } from "../failure.js";
import { type LineError, LineErrors, lineError } from "./line-errors.js";
import { progress } from "./progress.js";
import { type ReadCommand, readCommand } from "./read-command.js";
import type { StagedContext } from "./staged-context.js";

/**
 * Carries out the lines of a batch on staged tables, the bad ones left out, so that every error is found in one go.
 *
 * @param look told of each command before it is carried out; what it throws is that line's error
 * @returns how many commands there were
 * @throws LineErrors
 */
export function carryOut(
	program: Program,
	text: string,
	context: StagedContext,
	look: (command: ReadCommand) => void = () => {},
): number {
	const errors: LineError[] = [];
	const told = progress(context.outer.env, "lines checked");
	let number = 0;
	let commands = 0;
	for (const line of linesOf(text)) {
		number++;
		if (number % 1024 === 0) told(1024);
		try {
			const command = readCommand(program, line, context.env, "batch");
			if (!command) continue;
			commands++;
			look(command);
			command.spec.run(command.parsed, context);
		} catch (error) {
			if (!(error instanceof Failure)) throw error;
			errors.push(lineError(number, error));
		}
	}
	told.end();
	if (errors.length > 0) throw new LineErrors(errors);
	return commands;
}

function* linesOf(text: string): IterableIterator<string> {
	for (let at = 0; at < text.length; ) {
		const end = text.indexOf("\n", at);
		yield text.slice(at, end < 0 ? text.length : end);
		at = end < 0 ? text.length : end + 1;
	}
}
