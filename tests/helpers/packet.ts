import { checksum } from "./checksum.js";
import { ipv4Bytes, ipv6Bytes, u16, u32 } from "./wire.js";

/** What a layer must know of those around it. */
interface Around {
	/** All that follows it. */
	rest: Buffer;
	/** The layer that follows it. */
	next: Layer | undefined;
	/** Source and destination of the IP header before it, and its version. */
	pseudo: { addresses: Buffer; version: 4 | 6 } | undefined;
}

interface Layer {
	/** What the IP header before it calls it. */
	protocol?: number;
	/** The same, where IPv6 calls it something else. */
	protocol6?: number;
	/** What the Ethernet header before it calls it. */
	etherType?: number;
	/** What the checksums of what follows cover of it. */
	pseudo?: Around["pseudo"];
	/** It is carried by a UDP without a checksum. */
	gue?: boolean;
	write(around: Around): Buffer;
}

export interface Ipv4Fields {
	tos?: number;
	id?: number;
	/** Flags and offset in units of eight bytes, as on the wire. */
	fragment?: number;
	ttl?: number;
	protocol?: number;
	/** In place of the right one. */
	length?: number;
	checksum?: number;
	version?: number;
	options?: Buffer;
}

export interface Ipv6Fields {
	tos?: number;
	flowLabel?: number;
	hopLimit?: number;
	protocol?: number;
	length?: number;
	version?: number;
}

export interface TcpFields {
	flags?: number;
	options?: Buffer;
}

export interface UdpFields {
	/** In place of the right one; of a UDP that carries GUE it is 0 when not given. */
	checksum?: number | "right";
	length?: number;
}

/** A service on the wire: its id and group. */
export interface WireSid {
	service: number;
	group: number;
}

export const tcpFlags = { syn: 0x02, ack: 0x10, psh: 0x08 } as const;
export const DF = 0x4000;
export const MORE = 0x2000;

/**
 * A packet, written layer by layer in reading order: `eth().ipv4(a, b).udp(6080, 6080).gue(sid, key).ipv4(c, d)`.
 * Lengths and checksums are correct unless a case sets them. Each call returns a new packet.
 */
export class Packet {
	readonly #layers: readonly Layer[];

	constructor(layers: readonly Layer[]) {
		this.#layers = layers;
	}

	#and(layer: Layer): Packet {
		return new Packet([...this.#layers, layer]);
	}

	ipv4(source: string, destination: string, fields: Ipv4Fields = {}): Packet {
		const addresses = Buffer.concat([
			ipv4Bytes(source),
			ipv4Bytes(destination),
		]);
		const options = fields.options ?? Buffer.alloc(0);
		return this.#and({
			protocol: 4,
			etherType: 0x0800,
			pseudo: { addresses, version: 4 },
			write({ rest, next }) {
				const size = 20 + options.length;
				const header = Buffer.concat([
					Buffer.from([
						((fields.version ?? 4) << 4) | (size / 4),
						fields.tos ?? 0,
					]),
					u16(fields.length ?? size + rest.length),
					u16(fields.id ?? 0),
					u16(fields.fragment ?? 0),
					Buffer.from([
						fields.ttl ?? 60,
						fields.protocol ?? next?.protocol ?? 255,
						0,
						0,
					]),
					addresses,
					options,
				]);
				header.writeUInt16BE(fields.checksum ?? checksum(header), 10);
				return header;
			},
		});
	}

	ipv6(source: string, destination: string, fields: Ipv6Fields = {}): Packet {
		const addresses = Buffer.concat([
			ipv6Bytes(source),
			ipv6Bytes(destination),
		]);
		return this.#and({
			protocol: 41,
			etherType: 0x86dd,
			pseudo: { addresses, version: 6 },
			write: ({ rest, next }) =>
				Buffer.concat([
					u32(
						(fields.version ?? 6) * 2 ** 28 +
							(fields.tos ?? 0) * 2 ** 20 +
							(fields.flowLabel ?? 0),
					),
					u16(fields.length ?? rest.length),
					Buffer.from([
						fields.protocol ?? protocolOf6(next),
						fields.hopLimit ?? 60,
					]),
					addresses,
				]),
		});
	}

	/** An IPv6 extension header of eight bytes: hop by hop (0), routing (43), destination options (60). */
	extension(kind: number): Packet {
		return this.#and({
			protocol: kind,
			write: ({ next }) =>
				Buffer.from([protocolOf6(next), 0, 1, 4, 0, 0, 0, 0]),
		});
	}

	/** An IPv6 fragment header; `offset` as on the wire, in units of eight bytes. */
	ipv6Fragment(id: number, offset: number, more: boolean, protocol?: number) {
		return this.#and({
			protocol: 44,
			write: ({ next }) =>
				Buffer.concat([
					Buffer.from([protocol ?? protocolOf6(next), 0]),
					u16(offset * 8 + (more ? 1 : 0)),
					u32(id),
				]),
		});
	}

	udp(source: number, destination: number, fields: UdpFields = {}): Packet {
		return this.#and({
			protocol: 17,
			write({ rest, next, pseudo }) {
				const length = fields.length ?? 8 + rest.length;
				const header = Buffer.concat([
					u16(source),
					u16(destination),
					u16(length),
					u16(0),
				]);
				const right = () =>
					transportChecksum(17, header, rest, pseudo) || 0xffff;
				const sum =
					fields.checksum === "right" ||
					(fields.checksum === undefined && !next?.gue)
						? right()
						: (fields.checksum ?? 0);
				header.writeUInt16BE(sum, 6);
				return header;
			},
		});
	}

	tcp(source: number, destination: number, fields: TcpFields = {}): Packet {
		const options = fields.options ?? Buffer.alloc(0);
		return this.#and({
			protocol: 6,
			write({ rest, pseudo }) {
				const header = Buffer.concat([
					u16(source),
					u16(destination),
					u32(1),
					u32(1),
					Buffer.from([
						((20 + options.length) / 4) << 4,
						fields.flags ?? tcpFlags.ack | tcpFlags.psh,
					]),
					u16(0x2000),
					u32(0),
					options,
				]);
				header.writeUInt16BE(transportChecksum(6, header, rest, pseudo), 16);
				return header;
			},
		});
	}

	/**
	 * ICMP or ICMPv6; `word` is the second half of its header. What is quoted follows as layers. `wrong` in place of the right
	 * checksum.
	 */
	icmp(type: number, code: number, word = 0, wrong?: number): Packet {
		return this.#and({
			protocol: 1,
			protocol6: 58,
			write({ rest, pseudo }) {
				const header = Buffer.concat([
					Buffer.from([type, code, 0, 0]),
					u32(word),
				]);
				const sum =
					pseudo?.version === 6
						? transportChecksum(58, header, rest, pseudo)
						: checksum(header, rest);
				header.writeUInt16BE(wrong ?? sum, 2);
				return header;
			},
		});
	}

	/** GUE data, in front of the inner packet. `word` in place of the right first word. */
	gue(sid: WireSid, key: string, word?: number): Packet {
		return this.#and({
			gue: true,
			write: ({ next }) =>
				Buffer.concat([
					u32(word ?? (next?.protocol === 41 ? 0x0529a000 : 0x0504a000)),
					u16(sid.service),
					u16(sid.group),
					keyBytes(key),
				]),
		});
	}

	/** A ping in full, by service without `tunnel`. */
	ping(sid: WireSid, key: string, tunnel?: number, word?: number): Packet {
		const hlen = tunnel === undefined ? 5 : 6;
		return this.#and({
			gue: true,
			write: () =>
				Buffer.concat([
					u32(word ?? 0x2001a000 + hlen * 2 ** 24),
					u16(sid.service),
					u16(sid.group),
					keyBytes(key),
					tunnel === undefined ? Buffer.alloc(0) : u32(tunnel),
				]),
		});
	}

	/** A ping without a key. */
	openPing(tunnel: number, flags = 0): Packet {
		return this.#and({
			gue: true,
			write: () => Buffer.concat([u32(0x21010000 + flags), u32(tunnel)]),
		});
	}

	/** Bytes as they are. Behind UDP they count as GUE, so its checksum is 0, if `gue` says so. */
	payload(bytes: string | Buffer, gue = false): Packet {
		const data = Buffer.from(bytes as string);
		return this.#and({ gue, write: () => data });
	}

	/** As it is on the wire. */
	bytes(): Buffer {
		let rest = Buffer.alloc(0);
		for (let i = this.#layers.length - 1; i >= 0; i--) {
			const layer = this.#layers[i] as Layer;
			const pseudo = this.#layers
				.slice(0, i)
				.findLast((before) => before.pseudo)?.pseudo;
			const written = layer.write({ rest, next: this.#layers[i + 1], pseudo });
			rest = Buffer.concat([written, rest]);
		}
		return rest;
	}
}

/** Protocol 59 is "nothing follows". */
function protocolOf6(layer: Layer | undefined): number {
	return layer?.protocol6 ?? layer?.protocol ?? 59;
}

function transportChecksum(
	protocol: number,
	header: Buffer,
	rest: Buffer,
	pseudo: Around["pseudo"],
): number {
	const size = header.length + rest.length;
	return checksum(
		pseudo?.addresses ?? Buffer.alloc(0),
		u32(size),
		u32(protocol),
		Buffer.concat([header, rest]),
	);
}

function keyBytes(key: string): Buffer {
	const bytes = Buffer.alloc(16);
	bytes.write(key);
	return bytes;
}

/** An Ethernet frame between the two made-up hosts that all packet tests use. */
export function eth(
	destination = "020000000002",
	source = "020000000001",
	etherType?: number,
): Packet {
	return new Packet([
		{
			write: ({ next }) =>
				Buffer.concat([
					Buffer.from(destination + source, "hex"),
					u16(etherType ?? next?.etherType ?? 0x88b5),
				]),
		},
	]);
}

/** Layers without Ethernet before them: a quoted packet. */
export const ip = new Packet([]);
