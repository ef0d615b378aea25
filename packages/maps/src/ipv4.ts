/** Writes an IPv4 address as four bytes. Returns false where the text is anything else; the bytes are then spoilt. */
export function writeIpv4(buffer: Buffer, at: number, text: string): boolean {
	let end = at;
	let value = NONE;
	for (let i = 0; i < text.length; i++) {
		const code = text.charCodeAt(i);
		if (code === DOT) {
			if (value === NONE || end === at + 3) return false;
			buffer[end++] = value;
			value = NONE;
			continue;
		}
		const digit = code - ZERO;
		if (digit < 0 || digit > 9 || value === 0) return false;
		value = value === NONE ? digit : value * 10 + digit;
		if (value > 255) return false;
	}
	if (value === NONE || end !== at + 3) return false;
	buffer[end] = value;
	return true;
}

const NONE = -1;
const DOT = ".".charCodeAt(0);
const ZERO = "0".charCodeAt(0);

/** Reads four bytes as `a.b.c.d`. */
export const formatIpv4 = (buffer: Buffer, at: number) =>
	`${twoBytes(buffer, at)}.${twoBytes(buffer, at + 2)}`;

/** Halves of addresses, "10.0", by their two numbers: a large table has few that differ, and has each often. */
const halves: string[][] = Array.from({ length: 256 }, () => []);

function twoBytes(buffer: Buffer, at: number): string {
	const first = buffer[at] as number;
	const second = buffer[at + 1] as number;
	const row = halves[first] as string[];
	row[second] ??= `${first}.${second}`;
	return row[second];
}
