import { Address } from "@sluice/maps/address";

/** Numbers and addresses as they stand in packets. */
export const u16 = (value: number): Buffer =>
	sized(2, (buffer) => buffer.writeUInt16BE(value));

export const u32 = (value: number): Buffer =>
	sized(4, (buffer) => buffer.writeUInt32BE(value));

export const ipv4Bytes = (text: string): Buffer => ipv6Bytes(text).subarray(12);

export const ipv6Bytes = (text: string): Buffer =>
	sized(16, (buffer) => Address.of(text).write(buffer, 0));

function sized(size: number, write: (buffer: Buffer) => void): Buffer {
	const buffer = Buffer.alloc(size);
	write(buffer);
	return buffer;
}
