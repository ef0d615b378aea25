import ipaddr from "ipaddr.js";

/** Writes an IP address, which must be valid, as 16 bytes; IPv4 as `::ffff:a.b.c.d`. */
export function writeAddress(buffer: Buffer, at: number, text: string): void {
	if (text.includes(":")) {
		const parts = ipaddr.IPv6.parse(text).parts;
		for (const [i, part] of parts.entries())
			buffer.writeUInt16BE(part, at + 2 * i);
		return;
	}
	for (let i = at; i < at + 10; i++) buffer[i] = 0;
	buffer[at + 10] = buffer[at + 11] = 0xff;
	let byte = at + 12;
	let value = 0;
	for (let i = 0; i < text.length; i++) {
		const code = text.charCodeAt(i);
		if (code === 46) {
			buffer[byte++] = value;
			value = 0;
		} else value = value * 10 + code - 48;
	}
	buffer[byte] = value;
}

/** Reads 16 bytes as an address: v4-mapped as `a.b.c.d`, all else as RFC 5952 has it. */
export function formatAddress(buffer: Buffer, at: number): string {
	if (isMapped(buffer, at))
		return `${buffer[at + 12]}.${buffer[at + 13]}.${buffer[at + 14]}.${buffer[at + 15]}`;
	const parts = Array.from({ length: 8 }, (_, i) =>
		buffer.readUInt16BE(at + 2 * i),
	);
	return new ipaddr.IPv6(parts).toRFC5952String();
}

function isMapped(buffer: Buffer, at: number): boolean {
	return (
		buffer.readUInt32BE(at) === 0 &&
		buffer.readUInt32BE(at + 4) === 0 &&
		buffer.readUInt32BE(at + 8) === 0xffff
	);
}
