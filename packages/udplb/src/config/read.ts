import { readFileSync } from "node:fs";
import { badInput } from "@sluice/cli-kit";
import { checkTogether, rulesOf } from "./check.js";
import { readJson } from "./json.js";
import { type LineAt, Mistakes } from "./mistakes.js";
import type { Rule } from "./rule.js";
import { readYaml } from "./yaml.js";

/** A configuration file that was read. */
export interface Config {
	file: string;
	rules: Rule[];
	/** For messages about parts of it. It keeps the file's text in memory. */
	lineAt: LineAt;
}

/**
 * Reads the configuration.
 * @throws Failure usage: every mistake with file, line, path, what was expected and what was got.
 */
export function readConfig(file: string): Config {
	let bytes: Buffer;
	try {
		bytes = readFileSync(file);
	} catch (cause) {
		const { code } = cause as NodeJS.ErrnoException;
		throw badInput(
			`read ${file}: ${code === "ENOENT" ? "no such file" : "cannot be read"} (${code})`,
			code === "ENOENT" ? "name the configuration with -c FILE" : undefined,
		);
	}
	return parseConfig(file, bytes.toString("utf8"));
}

/**
 * A text that is valid JSON is read as JSON, everything else as YAML: JSON is YAML, and its reader is a hundred times
 * as fast, which a configuration of a million upstreams needs.
 *
 * @throws Failure usage, as `readConfig`
 */
export function parseConfig(file: string, text: string): Config {
	const mistakes = new Mistakes(file);
	const plain = text.replace(/^\ufeff/, "");
	const { content, lineAt } = readJson(plain) ?? readYaml(plain, mistakes);
	const rules = rulesOf(content, mistakes);
	mistakes.throwIfAny(lineAt);
	checkTogether(rules, mistakes, lineAt);
	mistakes.throwIfAny(lineAt);
	return { file, rules, lineAt };
}
