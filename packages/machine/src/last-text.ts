import { existsSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import type { Context } from "@sluice/cli-kit";
import { type JsonText, packLists, unpackLists } from "@sluice/document";
import { BpfError } from "@sluice/maps/errors";

/** The pin, beside the tables; as they do, it holds keys, and is root's alone. */
const PIN = "applied_text";

/** Bytes in front of the text: its SHA-256, and its length. Behind it are its lists. */
const DIGEST = 32;
const HEAD = DIGEST + 4;

/**
 * Keeps the text that is applied, for the next one to be compared with. Call it under the writers' lock.
 * @param text undefined: removes the stored text
 */
export function keepText(
	{ kernel, pinDirectory }: Context,
	file: Buffer,
	text: JsonText | undefined,
): void {
	const path = join(pinDirectory, PIN);
	try {
		if (text) {
			const { bytes, lists } = text;
			const length = Buffer.alloc(HEAD - DIGEST);
			length.writeUInt32LE(bytes.length);
			const pieces = [file, length, bytes, ...packLists(lists)];
			kernel.pinBytes(path, PIN, pieces);
			return;
		}
	} catch (error) {
		// Without memory for it, all rows of the next one are compared.
		if (!(error instanceof BpfError)) throw error;
	}
	// Not `rmSync`, which takes longer where there is none.
	if (existsSync(path)) unlinkSync(path);
}

/** The stored text. @returns undefined if its SHA-256 differs */
export function keptText(
	{ kernel, pinDirectory }: Context,
	file: Buffer,
): JsonText | undefined {
	try {
		const bytes = kernel.readPinnedBytes(join(pinDirectory, PIN));
		if (!bytes.subarray(0, DIGEST).equals(file)) return undefined;
		const end = HEAD + bytes.readUInt32LE(DIGEST);
		// An earlier version had neither length nor lists.
		if (end >= bytes.length) return undefined;
		return {
			bytes: bytes.subarray(HEAD, end),
			lists: unpackLists(bytes.subarray(end)),
		};
	} catch (error) {
		if (error instanceof BpfError && error.code === "ENOENT") return undefined;
		throw error;
	}
}
