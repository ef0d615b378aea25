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

/** An address as `a.b.c.d`. @param address its four bytes as a number, the first in the highest bits */
export const formatIpv4 = (address: number) =>
	`${half(address >>> 16)}.${half(address & 0xffff)}`;

/** Halves of addresses, "10.0", by their two numbers: a large table has few that differ, and has each often. */
const halves: string[][] = Array.from({ length: 256 }, () => []);

function half(twoBytes: number): string {
	const first = twoBytes >>> 8;
	const second = twoBytes & 255;
	const row = halves[first] as string[];
	row[second] ??= `${first}.${second}`;
	return row[second];
}
