import { internetChecksum } from "./checksum.js";

const TTL = 64;
export const DONT_FRAGMENT = 0x4000;

/**
 * The header of an IPv4 or IPv6 packet, without options.
 * @param ends source and destination, of one family
 * @param length of what follows, in bytes
 * @param fragment flags and offset of an IPv4 header
 */
export const ipHeader = (
	ends: Buffer,
	protocol: number,
	length: number,
	fragment = 0,
): Buffer =>
	ends.length === 32
		? ipv6(ends, protocol, length)
		: ipv4(ends, protocol, length, fragment);

function ipv4(
	ends: Buffer,
	protocol: number,
	length: number,
	fragment: number,
): Buffer {
	const header = Buffer.concat([Buffer.alloc(12), ends]);
	header.writeUInt8(0x45, 0);
	header.writeUInt16BE(header.length + length, 2);
	header.writeUInt16BE(fragment, 6);
	header.writeUInt8(TTL, 8);
	header.writeUInt8(protocol, 9);
	header.writeUInt16BE(internetChecksum(header), 10);
	return header;
}

function ipv6(ends: Buffer, protocol: number, length: number): Buffer {
	const header = Buffer.alloc(8);
	header.writeUInt8(0x60, 0);
	header.writeUInt16BE(length, 4);
	header.writeUInt8(protocol, 6);
	header.writeUInt8(TTL, 7);
	return Buffer.concat([header, ends]);
}
