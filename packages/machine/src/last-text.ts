import { rmSync } from "node:fs";
import { join } from "node:path";
import type { Context } from "@sluice/cli-kit";
import { BpfError } from "@sluice/maps/errors";

/** The pin, beside the tables; as they do, it holds keys, and is root's alone. */
const PIN = "applied_text";

/** Bytes in front of the text: its SHA-256. */
const DIGEST = 32;

/** UTF-16 units that are encoded at once: of a large document, no second copy is needed. */
const PIECE = 1 << 18;

/** Bytes of UTF-8 that one of them may take. */
const LONGEST_UNIT = 3;

/**
 * Keeps the text that is applied, for the next one to be compared with. Call it under the writers' lock.
 * @param text undefined: removes the stored text
 */
export function keepText(
	{ kernel, pinDirectory }: Context,
	file: Buffer,
	text: string | undefined,
): void {
	const path = join(pinDirectory, PIN);
	try {
		if (text !== undefined) {
			const length = DIGEST + Buffer.byteLength(text);
			kernel.pinBytes(path, PIN, pieces(file, text), length);
			return;
		}
	} catch (error) {
		// Without memory for it, all rows of the next one are compared.
		if (!(error instanceof BpfError)) throw error;
	}
	rmSync(path, { force: true });
}

function* pieces(file: Buffer, text: string): Generator<Buffer> {
	yield file;
	const bytes = Buffer.allocUnsafe((PIECE + 1) * LONGEST_UNIT);
	for (let from = 0, to = 0; from < text.length; from = to) {
		to = from + PIECE;
		// Both halves of a surrogate pair together.
		if (/[\udc00-\udfff]/.test(text.charAt(to))) to++;
		yield bytes.subarray(0, bytes.write(text.slice(from, to)));
	}
}

/** The stored text. @returns undefined if its SHA-256 differs */
export function keptText(
	{ kernel, pinDirectory }: Context,
	file: Buffer,
): string | undefined {
	try {
		const bytes = kernel.readPinnedBytes(join(pinDirectory, PIN));
		return bytes.subarray(0, DIGEST).equals(file)
			? bytes.toString("utf8", DIGEST)
			: undefined;
	} catch (error) {
		if (error instanceof BpfError && error.code === "ENOENT") return undefined;
		throw error;
	}
}
