import { Address } from "@sluice/maps/address";
import { GUE_FLAGS, gueWords } from "./gue.js";

// A packet layer by layer, for the protocols that the programs handle.

/** A packet, layer by layer, from the outside in. */
export interface Decoded {
	layers: Layer[];
	/** The rest could not be decoded: the packet is truncated or malformed. */
	cut: boolean;
}

export type Layer =
	| IpLayer
	| UdpLayer
	| TcpLayer
	| IcmpLayer
	| GueLayer
	| Other;

export interface IpLayer {
	layer: "ipv4" | "ipv6";
	source: Address;
	destination: Address;
	ttl: number;
	/** Length field of the header: bytes, header included. */
	length: number;
	/** Not there where the packet is whole. */
	fragment?: { id: number; offset: number; more: boolean };
}

interface UdpLayer {
	layer: "udp";
	sourcePort: number;
	destinationPort: number;
	length: number;
}

interface TcpLayer {
	layer: "tcp";
	sourcePort: number;
	destinationPort: number;
	/** Letters as tcpdump has them: S, ., F, R, P. */
	flags: string;
	sequence: number;
	acknowledgement: number;
	/** Bytes of payload that the IP header promises. */
	payload: number;
	/** Of the option, where there is one. */
	mss?: number;
}

interface IcmpLayer {
	layer: "icmp" | "icmpv6";
	type: number;
	code: number;
	/** MTU of a size error. */
	mtu?: number;
}

export type Control = "ping" | "signed ping" | "ping answer";

export interface GueLayer {
	layer: "gue";
	/** What a control packet is; undefined: there is a packet inside. */
	control?: Control;
	service?: number;
	group?: number;
	/** Of a ping that names it. */
	tunnel?: number;
}

export interface Other {
	layer: "other";
	/** "ethernet type 0x0806", "protocol 47". */
	what: string;
}

class Cut extends Error {}

/**
 * Decodes a packet from its Ethernet header on. GUE is detected by its fields: that a port is a tunnel's is known to
 * the tables alone.
 */
export function decode(frame: Buffer): Decoded {
	const layers: Layer[] = [];
	try {
		ethernet(new Reader(frame), layers);
		return { layers, cut: false };
	} catch (error) {
		if (!(error instanceof Cut)) throw error;
		return { layers, cut: true };
	}
}

/** Reads forward through a packet. @throws Cut at its end */
class Reader {
	readonly #bytes: Buffer;
	#at = 0;

	constructor(bytes: Buffer) {
		this.#bytes = bytes;
	}

	/** The next `count` bytes. */
	take(count: number): Buffer {
		const end = this.#at + count;
		if (count < 0 || end > this.#bytes.length) throw new Cut();
		const taken = this.#bytes.subarray(this.#at, end);
		this.#at = end;
		return taken;
	}

	/** The next `count` bytes, which stay. Undefined where there are fewer. */
	peek(count: number): Buffer | undefined {
		const end = this.#at + count;
		return count < 0 || end > this.#bytes.length
			? undefined
			: this.#bytes.subarray(this.#at, end);
	}
}

const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_IPV6 = 0x86dd;
const ETHERTYPE_VLAN = 0x8100;

function ethernet(packet: Reader, layers: Layer[]): void {
	let type = packet.take(14).readUInt16BE(12);
	if (type === ETHERTYPE_VLAN) type = packet.take(4).readUInt16BE(2);
	if (type === ETHERTYPE_IPV4) ipv4(packet, layers);
	else if (type === ETHERTYPE_IPV6) ipv6(packet, layers);
	else
		layers.push({
			layer: "other",
			what: `ethernet type 0x${type.toString(16).padStart(4, "0")}`,
		});
}

function ipv4(packet: Reader, layers: Layer[]): void {
	const header = packet.take(20);
	const headerLength = 4 * ((header[0] as number) & 0xf);
	packet.take(headerLength - 20);
	const length = header.readUInt16BE(2);
	const offset = header.readUInt16BE(6);
	const later = (offset & 0x1fff) !== 0;
	layers.push({
		layer: "ipv4",
		source: Address.readIpv4(header, 12),
		destination: Address.readIpv4(header, 16),
		ttl: header[8] as number,
		length,
		...(later || offset & 0x2000
			? {
					fragment: {
						id: header.readUInt16BE(4),
						offset: 8 * (offset & 0x1fff),
						more: (offset & 0x2000) !== 0,
					},
				}
			: {}),
	});
	if (!later)
		transport(packet, header[9] as number, length - headerLength, layers);
}

const EXTENSIONS = new Set([0, 43, 60]);
const FRAGMENT = 44;

function ipv6(packet: Reader, layers: Layer[]): void {
	const header = packet.take(40);
	const ip: IpLayer = {
		layer: "ipv6",
		source: Address.read(header, 8),
		destination: Address.read(header, 24),
		ttl: header[7] as number,
		length: 40 + header.readUInt16BE(4),
	};
	layers.push(ip);
	let left = header.readUInt16BE(4);
	let next = header[6] as number;
	while (EXTENSIONS.has(next) || next === FRAGMENT) {
		const extension = packet.take(8);
		const more = next === FRAGMENT ? 0 : 8 * (extension[1] as number);
		packet.take(more);
		left -= 8 + more;
		if (next === FRAGMENT) {
			const offset = extension.readUInt16BE(2);
			ip.fragment = {
				id: extension.readUInt32BE(4),
				offset: offset & 0xfff8,
				more: (offset & 1) !== 0,
			};
			if (ip.fragment.offset !== 0) return;
		}
		next = extension[0] as number;
	}
	transport(packet, next, left, layers);
}

function transport(
	packet: Reader,
	protocol: number,
	length: number,
	layers: Layer[],
): void {
	const read = readers[protocol];
	if (read) read(packet, length, layers);
	else layers.push({ layer: "other", what: `protocol ${protocol}` });
}

const readers: Record<
	number,
	(packet: Reader, length: number, layers: Layer[]) => void
> = {
	1: (packet, _, layers) => icmp("icmp", packet, layers),
	4: (packet, _, layers) => ipv4(packet, layers),
	6: tcp,
	17: udp,
	41: (packet, _, layers) => ipv6(packet, layers),
	58: (packet, _, layers) => icmp("icmpv6", packet, layers),
};

function icmp(
	layer: IcmpLayer["layer"],
	packet: Reader,
	layers: Layer[],
): void {
	const header = packet.take(4);
	const [type, code] = [header[0] as number, header[1] as number];
	const rest = packet.peek(4);
	const tooBig = layer === "icmp" ? type === 3 && code === 4 : type === 2;
	layers.push({
		layer,
		type,
		code,
		...(tooBig && rest
			? { mtu: layer === "icmp" ? rest.readUInt16BE(2) : rest.readUInt32BE(0) }
			: {}),
	});
}

/** Bits of the flags byte, in the order in which tcpdump prints them. */
const tcpFlags: readonly (readonly [bit: number, letter: string])[] = [
	[0x01, "F"],
	[0x02, "S"],
	[0x04, "R"],
	[0x08, "P"],
	[0x10, "."],
	[0x20, "U"],
];

function tcp(packet: Reader, length: number, layers: Layer[]): void {
	const header = packet.take(20);
	const flags = header[13] as number;
	const headerLength = 4 * ((header[12] as number) >> 4);
	const mss = mssOf(packet.peek(headerLength - 20));
	layers.push({
		layer: "tcp",
		sourcePort: header.readUInt16BE(0),
		destinationPort: header.readUInt16BE(2),
		flags: tcpFlags
			.filter(([bit]) => flags & bit)
			.map(([, letter]) => letter)
			.join(""),
		sequence: header.readUInt32BE(4),
		acknowledgement: header.readUInt32BE(8),
		payload: Math.max(0, length - headerLength),
		...(mss === undefined ? {} : { mss }),
	});
}

const [END, NOP, MSS] = [0, 1, 2];

/** The MSS option among a TCP header's. */
function mssOf(options: Buffer | undefined): number | undefined {
	if (!options) return undefined;
	for (let at = 0; at < options.length; ) {
		const kind = options[at];
		if (kind === END) return undefined;
		if (kind === NOP) {
			at++;
			continue;
		}
		const size = options[at + 1] ?? 0;
		if (kind === MSS && size === 4 && at + 4 <= options.length)
			return options.readUInt16BE(at + 2);
		if (size < 2) return undefined;
		at += size;
	}
	return undefined;
}

function udp(packet: Reader, _length: number, layers: Layer[]): void {
	const header = packet.take(8);
	layers.push({
		layer: "udp",
		sourcePort: header.readUInt16BE(0),
		destinationPort: header.readUInt16BE(2),
		length: header.readUInt16BE(4),
	});
	gue(packet, layers);
}

/** Reads on where the payload of a datagram is GUE as the tunnel programs write it. */
function gue(packet: Reader, layers: Layer[]): void {
	const word = packet.peek(4)?.readUInt32BE(0);
	if (word === undefined) return;
	const words = (word >>> 24) & 0x1f;
	if (word >>> 0 === gueWords.openPing) {
		packet.take(4);
		const tunnel = packet.take(4).readUInt32BE(0);
		layers.push({ layer: "gue", control: "ping", tunnel });
		return;
	}
	const protocol = (word >>> 16) & 0xff;
	if (word >>> 30 !== 0 || (word & 0xffff) !== GUE_FLAGS) return;
	const isData = (word & 0x2000_0000) === 0;
	const known = isData ? undefined : controls[protocol];
	if (
		isData ? words !== 5 || !isInner(protocol) : !known?.words.includes(words)
	)
		return;
	packet.take(4);
	const fields = packet.take(4 * words);
	layers.push({
		layer: "gue",
		...(known ? { control: known.control } : {}),
		service: fields.readUInt16BE(0),
		group: fields.readUInt16BE(2),
		...(words > 5 ? { tunnel: fields.readUInt32BE(20) } : {}),
	});
	if (isData) transport(packet, protocol, 0, layers);
}

const isInner = (protocol: number) => protocol === 4 || protocol === 41;

/** By control type, with the lengths of its header, in words after the first. */
const controls: Readonly<
	Record<number, { control: Control; words: readonly number[] }>
> = {
	1: { control: "ping", words: [5, 6] },
	2: { control: "signed ping", words: [8, 10] },
	3: { control: "ping answer", words: [17] },
};
