import { closeSync, openSync, readSync } from "node:fs";
import { badInput, type Env, fileCause, withoutMark } from "@sluice/cli-kit";

/** Bytes of a file beyond which it cannot be a key. */
const LONGEST = 1024;

/**
 * The text of a key from a file, with an `env` `-` for standard input, without a byte order mark and the newline at its
 * end.
 * @param name of the option or field, for errors
 * @throws Failure usage, where it cannot be read
 */
export function readKeyFile(
	name: string,
	file: string,
	env?: Pick<Env, "input">,
): string {
	const text = file === "-" && env ? env.input() : read(name, file);
	return withoutMark(text).replace(/\r?\n$/, "");
}

function read(name: string, file: string): string {
	const bytes = Buffer.alloc(LONGEST + 1);
	let length = 0;
	try {
		const fd = openSync(file, "r");
		try {
			// A pipe may give it in parts.
			for (let part = -1; part !== 0 && length < bytes.length; length += part)
				part = readSync(fd, bytes, length, bytes.length - length, null);
		} finally {
			closeSync(fd);
		}
	} catch (error) {
		throw unreadable(name, fileCause(error));
	}
	if (length > LONGEST)
		throw unreadable(name, `it holds more than ${LONGEST} bytes`);
	return bytes.toString("utf8", 0, length);
}

/** Without its name, which may be the key itself. */
const unreadable = (name: string, why: string) =>
	badInput(`${name} cannot be read: ${why}`);
