import { readFileSync } from "node:fs";
import { badInput, readFailure } from "@sluice/cli-kit";
import { type LineAt, Mistakes, readDocument } from "@sluice/document";
import { checkTogether, rulesOf } from "./check.js";
import type { Rule } from "./rule.js";

/** A configuration file that was read. */
export interface Config {
	file: string;
	rules: Rule[];
	/** For messages about parts of it. It keeps the file's text in memory. */
	lineAt: LineAt;
}

/**
 * Reads the configuration.
 * @throws Failure usage: every mistake with file, line, path, the expected and the actual value.
 */
export function readConfig(file: string): Config {
	let bytes: Buffer;
	try {
		bytes = readFileSync(file);
	} catch (cause) {
		const { code } = cause as NodeJS.ErrnoException;
		throw badInput(
			readFailure(file, cause).message,
			code === "ENOENT" ? "name the configuration with -c FILE" : undefined,
		);
	}
	return parseConfig(file, bytes.toString("utf8"));
}

/** @throws Failure usage, as `readConfig` */
export function parseConfig(file: string, text: string): Config {
	const mistakes = new Mistakes(file);
	const { content, positionAt } = readDocument(text, mistakes);
	const lineAt: LineAt = (path) => positionAt(path).line;
	const rules = rulesOf(content, mistakes);
	mistakes.throwIfAny(positionAt);
	checkTogether(rules, mistakes, lineAt);
	mistakes.throwIfAny(positionAt);
	return { file, rules, lineAt };
}
