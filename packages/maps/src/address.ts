import { formatIpv4, writeIpv4 } from "./ipv4.js";
import { formatIpv6, writeIpv6 } from "./ipv6.js";

/** Where the four bytes of an IPv4 address lie in its sixteen, `::ffff:a.b.c.d`. */
const IPV4_AT = 12;

/** Writes an IP address as 16 bytes; IPv4 as `::ffff:a.b.c.d`. @throws RangeError it is none. */
export function writeAddress(buffer: Buffer, at: number, text: string): void {
	if (writeIpv4(buffer, at + IPV4_AT, text)) {
		for (let i = at; i < at + 10; i++) buffer[i] = 0;
		buffer[at + 10] = buffer[at + 11] = 0xff;
	} else if (!writeIpv6(buffer, at, text))
		throw new RangeError(`"${text}" is not an IP address`);
}

const scratch = Buffer.alloc(16);

/** Whether a text is four decimal numbers, none of them with a zero before it. */
export const isIpv4 = (text: string) => writeIpv4(scratch, 0, text);

/** Whether a text is an IPv6 address, without a zone. */
export const isIpv6 = (text: string) => writeIpv6(scratch, 0, text);

/** Reads 16 bytes as an address: v4-mapped as `a.b.c.d`, all else as RFC 5952 has it. */
export function formatAddress(buffer: Buffer, at: number): string {
	return isMapped(buffer, at)
		? formatIpv4(buffer, at + IPV4_AT)
		: formatIpv6(buffer, at);
}

function isMapped(buffer: Buffer, at: number): boolean {
	for (let i = at; i < at + 10; i++) if (buffer[i] !== 0) return false;
	return buffer[at + 10] === 0xff && buffer[at + 11] === 0xff;
}

/** "1.2.3.4:80", "[2001:db8::1]:80". */
export const endpointText = (address: string, port: number) =>
	address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
