import { readFileSync } from "node:fs";
import type { Env } from "./env.js";
import { badInput } from "./failure.js";

/** A text without the byte order mark with which some editors begin UTF-8. */
export const withoutMark = (text: string) =>
	text.startsWith("\ufeff") ? text.slice(1) : text;

/**
 * The text of a file, or of standard input for `-`, without a byte order mark.
 * @throws Failure usage: it cannot be read
 */
export function readText(file: string, env: Pick<Env, "input">): string {
	if (file === "-") return withoutMark(env.input());
	try {
		return withoutMark(readFileSync(file, "utf8"));
	} catch (error) {
		throw badInput(
			`file "${file}" cannot be read: ${(error as NodeJS.ErrnoException).code}`,
		);
	}
}
