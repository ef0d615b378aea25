import { badInput } from "@sluice/cli-kit";
import { LABEL_SIZE, labelBytes, labelText } from "@sluice/maps/tables";

/** A label that is written as it is: printable ASCII without a backslash. */
const PLAIN = /^[ -[\]-~]{1,255}$/;

/** The replacement character of a decoder, for bytes that are not UTF-8. */
const REPLACEMENT = "\ufffd";

/**
 * Reads a label: 1 to 255 bytes, none of them 0. Bytes that are not UTF-8 or cannot be printed are written `\xHH`, as
 * listings print them.
 *
 * @returns the label in the form of the listings
 */
export function label(name: string, text: string): string {
	if (PLAIN.test(text)) return text;
	if (!text.includes(REPLACEMENT)) return checked(name, labelBytes(text));
	throw badInput(
		`${name} must be UTF-8, got "${text}"`,
		"write other bytes as \\xHH, as status prints them",
	);
}

/** Reads a literal label, without escapes, as in a JSON file. */
export function literalLabel(name: string, text: string): string {
	if (PLAIN.test(text)) return text;
	if (/[\p{Cs}\ufffd]/u.test(text))
		throw badInput(`${name} must be UTF-8, got ${JSON.stringify(text)}`);
	return checked(name, Buffer.from(text, "utf8"));
}

function checked(name: string, bytes: Buffer): string {
	const { length } = bytes;
	if (length < 1 || length > LABEL_SIZE)
		throw badInput(
			`${name} must be 1 to ${LABEL_SIZE} bytes long, got ${length} bytes`,
		);
	const text = labelText(bytes);
	if (bytes.includes(0))
		throw badInput(`${name} must not contain a NUL byte, got "${text}"`);
	return text;
}
