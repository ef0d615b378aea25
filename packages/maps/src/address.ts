import ipaddr from "ipaddr.js";

/** Where the four bytes of an IPv4 address lie in its sixteen, `::ffff:a.b.c.d`. */
const IPV4_AT = 12;

/** Writes an IP address, which must be valid, as 16 bytes; IPv4 as `::ffff:a.b.c.d`. */
export function writeAddress(buffer: Buffer, at: number, text: string): void {
	if (writeIpv4(buffer, at + IPV4_AT, text)) {
		for (let i = at; i < at + 10; i++) buffer[i] = 0;
		buffer[at + 10] = buffer[at + 11] = 0xff;
		return;
	}
	const parts = ipaddr.IPv6.parse(text).parts;
	for (const [i, part] of parts.entries())
		buffer.writeUInt16BE(part, at + 2 * i);
}

const scratch = Buffer.alloc(4);

/** Whether a text is four decimal numbers, none of them with a zero before it. */
export const isIpv4 = (text: string) => writeIpv4(scratch, 0, text);

/** Whether a text is an IPv6 address, perhaps with a zone. */
export const isIpv6 = (text: string) =>
	// Loaded here because not every command has such an address, and sockets are slow to load.
	process.getBuiltinModule("node:net").isIPv6(text);

/** Writes an IPv4 address as four bytes. Returns false where the text is anything else; the bytes are then spoilt. */
function writeIpv4(buffer: Buffer, at: number, text: string): boolean {
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

/** Reads 16 bytes as an address: v4-mapped as `a.b.c.d`, all else as RFC 5952 has it. */
export function formatAddress(buffer: Buffer, at: number): string {
	if (isMapped(buffer, at))
		return `${twoBytes(buffer, at + 12)}.${twoBytes(buffer, at + 14)}`;
	const parts = Array.from({ length: 8 }, (_, i) =>
		buffer.readUInt16BE(at + 2 * i),
	);
	return new ipaddr.IPv6(parts).toRFC5952String();
}

function isMapped(buffer: Buffer, at: number): boolean {
	for (let i = at; i < at + 10; i++) if (buffer[i] !== 0) return false;
	return buffer[at + 10] === 0xff && buffer[at + 11] === 0xff;
}

/** Halves of IPv4 addresses, "10.0", by their two numbers: a large table has few that differ, and has each often. */
const halves: string[][] = Array.from({ length: 256 }, () => []);

function twoBytes(buffer: Buffer, at: number): string {
	const first = buffer[at] as number;
	const second = buffer[at + 1] as number;
	const row = halves[first] as string[];
	row[second] ??= `${first}.${second}`;
	return row[second];
}
