import { readFileSync } from "node:fs";
import { badInput, type Env } from "@sluice/cli-kit";

/**
 * The text of a key from a file, `-` for standard input, without the newline at its end.
 * @throws Failure usage, where it cannot be read
 */
export function readKeyFile(file: string, env: Env): string {
	const text = file === "-" ? env.input() : read(file);
	return text.replace(/\r?\n$/, "");
}

function read(file: string): string {
	try {
		return readFileSync(file, "utf8");
	} catch (error) {
		throw badInput(
			`key-file "${file}" cannot be read: ${(error as NodeJS.ErrnoException).code}`,
		);
	}
}
