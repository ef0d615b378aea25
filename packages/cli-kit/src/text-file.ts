import { readFileSync } from "node:fs";
import type { Env } from "./env.js";
import { readFailure } from "./file-cause.js";

/** A text without the byte order mark with which some editors begin UTF-8. */
export const withoutMark = (text: string) =>
	text.startsWith("\ufeff") ? text.slice(1) : text;

const MARK = Buffer.from("\ufeff");

/**
 * The text of a file, or of standard input for `-`, without a byte order mark.
 * @throws Failure usage: it cannot be read
 */
export const readText = (file: string, env: Pick<Env, "input">): string =>
	readBytes(file, env).toString();

/** As `readText`, in UTF-8. */
export function readBytes(file: string, env: Pick<Env, "input">): Buffer {
	if (file === "-") return Buffer.from(withoutMark(env.input()));
	try {
		const bytes = readFileSync(file);
		const isMarked = bytes.subarray(0, MARK.length).equals(MARK);
		return isMarked ? bytes.subarray(MARK.length) : bytes;
	} catch (error) {
		throw readFailure(file, error);
	}
}
