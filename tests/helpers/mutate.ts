import type { Random } from "@sluice/testbed";

/** A test run refuses a frame that ends inside its IP header, and one that is not within a page with all around it. */
const SMALLEST = 54;
const LARGEST = 3500;

type Mutation = (random: Random, packet: Buffer, other: Buffer) => Buffer;

/** Values that length fields and the like are often wrong about. */
const edges = [0, 1, 0x7f, 0x80, 0xff];

const mutations: readonly Mutation[] = [
	// One bit.
	(random, packet) => {
		const at = random.below(packet.length);
		packet[at] = (packet[at] as number) ^ (1 << random.below(8));
		return packet;
	},
	// One byte, anything.
	(random, packet) => {
		packet[random.below(packet.length)] = random.below(256);
		return packet;
	},
	// One byte of the headers, at an edge.
	(random, packet) => {
		packet[random.below(Math.min(packet.length, 120))] = random.pick(edges);
		return packet;
	},
	// Two bytes of the headers.
	(random, packet) => {
		const at = random.below(Math.max(1, Math.min(packet.length, 120) - 1));
		if (at + 2 <= packet.length) packet.writeUInt16BE(random.below(65536), at);
		return packet;
	},
	// Cut.
	(random, packet) => packet.subarray(0, random.below(packet.length + 1)),
	// Longer.
	(random, packet) =>
		Buffer.concat([packet, random.bytes(1 + random.below(64))]),
	// Bytes put in, or taken out, somewhere.
	(random, packet) => {
		const at = random.below(packet.length);
		return Buffer.concat([
			packet.subarray(0, at),
			random.bytes(random.below(16)),
			packet.subarray(at),
		]);
	},
	(random, packet) => {
		const at = random.below(packet.length);
		return Buffer.concat([
			packet.subarray(0, at),
			packet.subarray(at + random.below(16)),
		]);
	},
	// The head of one and the tail of another.
	(random, packet, other) =>
		Buffer.concat([
			packet.subarray(0, random.below(packet.length)),
			other.subarray(random.below(other.length)),
		]),
];

/** A packet made of others by a few changes, or out of nothing. Never one of the others itself. */
export function mutate(random: Random, corpus: readonly Buffer[]): Buffer {
	let packet: Buffer =
		random.below(50) === 0
			? random.bytes(14 + random.below(200))
			: Buffer.from(random.pick(corpus));
	for (let changes = random.below(4); changes >= 0; changes--) {
		packet = random.pick(mutations)(random, packet, random.pick(corpus));
		if (packet.length < SMALLEST)
			packet = Buffer.concat([packet, random.bytes(SMALLEST)]);
	}
	return Buffer.from(packet.subarray(0, LARGEST));
}
