/** The internet checksum of some bytes (RFC 1071), written plainly: it is what the programs are held against. */
export function checksum(...parts: Buffer[]): number {
	const bytes = Buffer.concat(parts);
	let sum = 0;
	for (let i = 0; i < bytes.length; i += 2)
		sum += ((bytes[i] as number) << 8) + (bytes[i + 1] ?? 0);
	while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
	return ~sum & 0xffff;
}
