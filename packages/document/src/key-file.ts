import { closeSync, openSync, readSync } from "node:fs";
import { badInput, type Env, withoutMark } from "@sluice/cli-kit";

/** Bytes of a file beyond which it cannot be a key. */
const LONGEST = 1024;

/**
 * The text of a key from a file, with an `env` `-` for standard input, without a byte order mark and the newline at its
 * end.
 * @throws Failure usage, where it cannot be read
 */
export function readKeyFile(file: string, env?: Pick<Env, "input">): string {
	const text = file === "-" && env ? env.input() : read(file);
	return withoutMark(text).replace(/\r?\n$/, "");
}

function read(file: string): string {
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
		throw unreadable(String((error as NodeJS.ErrnoException).code));
	}
	if (length > LONGEST) throw unreadable(`it holds more than ${LONGEST} bytes`);
	return bytes.toString("utf8", 0, length);
}

/** Without its name, which may be the key itself. */
const unreadable = (why: string) => badInput(`key-file cannot be read: ${why}`);
