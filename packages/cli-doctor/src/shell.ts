import { accessSync, constants } from "node:fs";
import { join } from "node:path";

/** A word as a shell takes it. */
export const quoted = (word: string): string =>
	/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

/** The path of a program on the PATH. */
export function onPath(
	program: string,
	path: string | undefined,
): string | undefined {
	return (path ?? "")
		.split(":")
		.map((directory) => join(directory, program))
		.find(isExecutable);
}

function isExecutable(file: string): boolean {
	try {
		accessSync(file, constants.X_OK);
		return true;
	} catch {
		return false;
	}
}
