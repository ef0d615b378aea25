/** The internet checksum (RFC 1071). */
export function internetChecksum(bytes: Buffer): number {
	let sum = 0;
	for (let at = 0; at < bytes.length; at += 2)
		sum += ((bytes[at] as number) << 8) + (bytes[at + 1] ?? 0);
	while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
	return ~sum & 0xffff;
}
