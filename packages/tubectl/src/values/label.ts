import { badInput } from "@sluice/cli-kit";

/** Bytes of a label; `LABEL_SIZE` in the dispatcher's state. */
const LONGEST = 255;

/** A label: 1 to 255 bytes on one line. */
export function label(name: string, text: string): string {
	const size = Buffer.byteLength(text);
	if (size < 1 || size > LONGEST)
		throw badInput(
			`${name} must be 1 to ${LONGEST} bytes long, got ${size} bytes`,
		);
	// A listing has one line for each binding.
	if (/\p{Cc}/u.test(text))
		throw badInput(
			`${name} must not contain control characters, got ${JSON.stringify(text)}`,
		);
	return text;
}
