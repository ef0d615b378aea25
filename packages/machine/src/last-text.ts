import { rmSync } from "node:fs";
import { join } from "node:path";
import type { Context } from "@sluice/cli-kit";
import { BpfError } from "@sluice/maps/errors";

/** The pin, beside the tables; as they do, it holds keys, and is root's alone. */
const PIN = "applied_text";

/** Bytes in front of the text: its SHA-256. */
const DIGEST = 32;

/**
 * Keeps the text that is applied, for the next one to be compared with. Call it under the writers' lock.
 * @param bytes in UTF-8; undefined: removes the stored text
 */
export function keepText(
	{ kernel, pinDirectory }: Context,
	file: Buffer,
	bytes: Buffer | undefined,
): void {
	const path = join(pinDirectory, PIN);
	try {
		if (bytes) {
			kernel.pinBytes(path, PIN, [file, bytes], DIGEST + bytes.length);
			return;
		}
	} catch (error) {
		// Without memory for it, all rows of the next one are compared.
		if (!(error instanceof BpfError)) throw error;
	}
	rmSync(path, { force: true });
}

/** The stored text, in UTF-8. @returns undefined if its SHA-256 differs */
export function keptText(
	{ kernel, pinDirectory }: Context,
	file: Buffer,
): Buffer | undefined {
	try {
		const bytes = kernel.readPinnedBytes(join(pinDirectory, PIN));
		return bytes.subarray(0, DIGEST).equals(file)
			? bytes.subarray(DIGEST)
			: undefined;
	} catch (error) {
		if (error instanceof BpfError && error.code === "ENOENT") return undefined;
		throw error;
	}
}
