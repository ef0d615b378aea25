import { isUtf8 } from "node:buffer";
import type { Codec } from "../codec.js";

/** Bytes of a label, at the most. */
export const LABEL_SIZE = 255;

/**
 * What is escaped: control characters, line and paragraph separators, the replacement character, and a backslash that
 * would be read as an escape.
 */
const ESCAPED = /[\p{Cc}\u2028\u2029\ufffd]|\\(?=x[0-9a-f]{2})/giu;
const ESCAPE = /\\x([0-9a-f]{2})/gi;
/** What needs no look: printable ASCII without a backslash. */
const PLAIN = /^[ -[\]-~]*$/;

/**
 * A label's bytes as text: UTF-8, and `\xHH` for each byte that is not UTF-8 or cannot be printed. Each label has
 * exactly one text.
 */
export function labelText(bytes: Buffer): string {
	let text = "";
	// A run of valid UTF-8.
	let from = 0;
	for (let at = 0; at < bytes.length; ) {
		const size = characterSize(bytes, at);
		if (size === 0) {
			text += escaped(bytes.toString("utf8", from, at)) + hex(bytes[at] ?? 0);
			from = at + 1;
		}
		at += size || 1;
	}
	return text + escaped(bytes.toString("utf8", from));
}

/** The bytes of a label that is written as `labelText` writes it. */
export function labelBytes(text: string): Buffer {
	if (!text.includes("\\")) return Buffer.from(text, "utf8");
	const pieces: Buffer[] = [];
	let from = 0;
	for (const { 0: sequence, 1: digits, index } of text.matchAll(ESCAPE)) {
		pieces.push(Buffer.from(text.slice(from, index), "utf8"));
		pieces.push(Buffer.from(digits as string, "hex"));
		from = index + sequence.length;
	}
	pieces.push(Buffer.from(text.slice(from), "utf8"));
	return Buffer.concat(pieces);
}

/** A label in `LABEL_SIZE` bytes, zero padded. @throws RangeError it is longer. */
export const label: Codec<string> = {
	size: LABEL_SIZE,
	read(buffer, at) {
		const end = buffer.indexOf(0, at);
		const last = at + LABEL_SIZE;
		const to = end < 0 || end > last ? last : end;
		const ascii = buffer.toString("latin1", at, to);
		return PLAIN.test(ascii) ? ascii : labelText(buffer.subarray(at, to));
	},
	write(buffer, at, text) {
		const bytes = labelBytes(text);
		if (bytes.length > LABEL_SIZE)
			throw new RangeError(`"${text}" is longer than ${LABEL_SIZE} bytes`);
		buffer.fill(0, at, at + LABEL_SIZE);
		bytes.copy(buffer, at);
	},
};

/** Bytes of the UTF-8 character at `at`; 0: there is none. */
function characterSize(bytes: Buffer, at: number): number {
	for (let size = 1; size <= 4 && at + size <= bytes.length; size++)
		if (isUtf8(bytes.subarray(at, at + size))) return size;
	return 0;
}

const escaped = (text: string) =>
	text.replace(ESCAPED, (character) =>
		[...Buffer.from(character, "utf8")].map(hex).join(""),
	);

const hex = (byte: number) => `\\x${byte.toString(16).padStart(2, "0")}`;
