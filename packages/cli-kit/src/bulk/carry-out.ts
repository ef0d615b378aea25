import type { Cli } from "../command.js";
import type { Env } from "../env.js";
import { badInput, Failure } from "../failure.js";
import { verbOf } from "../usage.js";
import type { Application } from "./application.js";
import { type LineError, LineErrors, lineError } from "./line-errors.js";
import { type Progress, progress } from "./progress.js";
import { envOfLine, type ReadCommand, readCommand } from "./read-command.js";
import type { DeferredCheck } from "./staged-context.js";

/**
 * Carries out the lines of a file, the bad ones left out, so that every error is found in one go.
 *
 * @param act runs one command; what it throws is that line's error, and the other lines still run
 * @param deferred checks of lines that run after the last line
 * @returns how many commands there were
 * @throws LineErrors
 */
export function carryOut(
	cli: Cli,
	text: string,
	env: Env,
	act: (command: ReadCommand, line: number) => void,
	deferred: readonly DeferredCheck[] = [],
): number {
	const errors: LineError[] = [];
	const shown = progress(env, "lines checked");
	const lineEnv = envOfLine(env);
	let number = 0;
	let commands = 0;
	for (const line of linesOf(text)) {
		number++;
		if (number % 1024 === 0) shown(1024);
		try {
			const command = readCommand(cli, line, lineEnv, "batch");
			if (!command) continue;
			commands++;
			act(command, number);
		} catch (error) {
			errors.push(errorOf(number, error, shown));
		}
	}
	shown.end();
	for (const { line, check } of deferred)
		try {
			check();
		} catch (error) {
			errors.push(errorOf(line, error, shown));
		}
	if (errors.length > 0)
		throw new LineErrors(errors.sort((a, b) => a.line - b.line));
	return commands;
}

/** The error of a line. @throws anything else than a Failure, which ends the batch. */
function errorOf(line: number, error: unknown, shown: Progress): LineError {
	if (error instanceof Failure) return lineError(line, error);
	shown.end();
	throw error;
}

/** As `carryOut`, for lines that say all that there is to be, each by the one command that sets something. */
export function carryOutAll(
	cli: Cli,
	{ text, allowEmpty }: Pick<Application, "text" | "allowEmpty">,
	env: Env,
	set: ReadCommand["spec"],
	act: (command: ReadCommand, line: number) => void,
	deferred: readonly DeferredCheck[] = [],
): number {
	const setAlone = (command: ReadCommand, line: number) => {
		if (command.spec !== set)
			throw badInput(`only ${verbOf(set)} may stand in a restore`);
		act(command, line);
	};
	const commands = carryOut(cli, text, env, setAlone, deferred);
	if (commands === 0 && !allowEmpty)
		throw badInput(
			`no line has a ${verbOf(set)}, so all would be deleted`,
			"use --allow-empty if that is meant",
		);
	return commands;
}

function* linesOf(text: string): IterableIterator<string> {
	for (let at = 0; at < text.length; ) {
		const end = text.indexOf("\n", at);
		yield text.slice(at, end < 0 ? text.length : end);
		at = end < 0 ? text.length : end + 1;
	}
}
