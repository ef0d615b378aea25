// Blocks of a pcapng capture (draft-ietf-opsawg-pcapng), little-endian, times in nanoseconds.

/** A packet, as a capture has it. */
export interface Captured {
	/** Of the interface, in the order in which they were described. */
	interface: number;
	/** Nanoseconds since 1970. */
	time: bigint;
	direction: "ingress" | "egress";
	/** Original length; `data` may be truncated. */
	length: number;
	data: Buffer;
	/** Packets with the same number are one packet, seen twice. */
	id: bigint;
	comment: string;
}

const SECTION = 0x0a0d0d0a;
const INTERFACE = 1;
const ENHANCED_PACKET = 6;
const BYTE_ORDER = 0x1a2b3c4d;
const linkTypes = { ethernet: 1, raw: 101 } as const;

/** Option codes; 1 is a comment in every block. */
const options = {
	comment: 1,
	userApplication: 4,
	interfaceName: 2,
	timeResolution: 9,
	packetFlags: 2,
	packetId: 5,
} as const;

/** 10^-9. */
const NANOSECONDS = 9;
const directions = { ingress: 1, egress: 2 } as const;

/** The first block. */
export function sectionHeader(application: string): Buffer {
	const body = Buffer.alloc(16);
	body.writeUInt32LE(BYTE_ORDER, 0);
	body.writeUInt16LE(1, 4);
	// The section's length is not known.
	body.fill(0xff, 8);
	return block(
		SECTION,
		body,
		option(options.userApplication, Buffer.from(application)),
	);
}

/**
 * Comes before the first packet of its interface.
 * @param snapshot bytes captured of a packet
 * @param link the link type of its packets: raw is IP
 */
export function interfaceDescription(
	name: string,
	snapshot: number,
	link: keyof typeof linkTypes,
): Buffer {
	const body = Buffer.alloc(8);
	body.writeUInt16LE(linkTypes[link], 0);
	body.writeUInt32LE(snapshot, 4);
	return block(
		INTERFACE,
		body,
		option(options.interfaceName, Buffer.from(name)),
		option(options.timeResolution, Buffer.from([NANOSECONDS])),
	);
}

export function enhancedPacket(packet: Captured): Buffer {
	const body = Buffer.alloc(20);
	body.writeUInt32LE(packet.interface, 0);
	body.writeUInt32LE(Number(packet.time >> 32n), 4);
	body.writeUInt32LE(Number(packet.time & 0xffff_ffffn), 8);
	body.writeUInt32LE(packet.data.length, 12);
	body.writeUInt32LE(packet.length, 16);
	const flags = Buffer.alloc(4);
	flags.writeUInt32LE(directions[packet.direction]);
	const id = Buffer.alloc(8);
	id.writeBigUInt64LE(packet.id);
	return block(
		ENHANCED_PACKET,
		Buffer.concat([body, padded(packet.data)]),
		option(options.packetFlags, flags),
		option(options.packetId, id),
		option(options.comment, Buffer.from(packet.comment)),
	);
}

/** Type, length, body, options with their end, length again. */
function block(type: number, body: Buffer, ...optionList: Buffer[]): Buffer {
	const end = Buffer.alloc(4);
	const content = Buffer.concat([body, ...optionList, end]);
	const head = Buffer.alloc(8);
	const length = Buffer.alloc(4);
	length.writeUInt32LE(content.length + 12);
	head.writeUInt32LE(type, 0);
	length.copy(head, 4);
	return Buffer.concat([head, content, length]);
}

function option(code: number, value: Buffer): Buffer {
	const head = Buffer.alloc(4);
	head.writeUInt16LE(code, 0);
	head.writeUInt16LE(value.length, 2);
	return Buffer.concat([head, padded(value)]);
}

/** To the next multiple of four bytes. */
const padded = (bytes: Buffer) =>
	Buffer.concat([bytes], Math.ceil(bytes.length / 4) * 4);
