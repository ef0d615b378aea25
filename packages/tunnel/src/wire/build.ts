import type { Address } from "@sluice/maps/address";
import { type Protocol, protocols } from "@sluice/maps/tables";
import { internetChecksum } from "./checksum.js";
import { DONT_FRAGMENT, ipHeader } from "./ip-header.js";

/** An address and a port of a packet. */
export interface End {
	address: Address;
	port: number;
}

/** A packet of TCP or UDP. */
export interface PacketSpec {
	protocol: Protocol;
	source: End;
	destination: End;
	/** Bytes from the IP header on [default: headers alone]. */
	size?: number | undefined;
	/** The first packet of a TCP connection, with the usual MSS. */
	syn?: boolean;
}

const ETHERNET = Buffer.from("0200000000020200000000010000", "hex");
const ACK = 0x10;
const SYN = 0x02;
/** What fits into Ethernet, by family. */
const usualMss = (six: boolean) => (six ? 1440 : 1460);

const isSix = ({ source }: Pick<PacketSpec, "source">) =>
	!source.address.isIpv4;

/** Bytes of a packet without any payload. */
export const headerSize = (spec: PacketSpec): number =>
	(isSix(spec) ? 40 : 20) + (spec.protocol === "udp" ? 8 : spec.syn ? 24 : 20);

/** The packet with its Ethernet header, or `inner` of a tunnel without one. Every checksum is right. */
export const framed = (packet: Buffer, destination?: string): Buffer => {
	const header = Buffer.from(ETHERNET);
	if (destination !== undefined) header.write(destination, "hex");
	header.writeUInt16BE((packet[0] as number) >> 4 === 6 ? 0x86dd : 0x0800, 12);
	return Buffer.concat([header, packet]);
};

/** An IP packet of TCP or UDP, its payload zeros. */
export function ipPacket(spec: PacketSpec): Buffer {
	const payload = Buffer.alloc(
		Math.max(0, (spec.size ?? 0) - headerSize(spec)),
	);
	const transport =
		spec.protocol === "udp" ? udp(spec, payload) : tcp(spec, payload);
	const sum = internetChecksum(
		Buffer.concat([pseudoHeader(spec, transport.length), transport]),
	);
	transport.writeUInt16BE(sum || 0xffff, checksumAt[spec.protocol]);
	return withIp(spec, transport);
}

/** Offset of the checksum in the transport header. */
const checksumAt = { tcp: 16, udp: 6 } as const;

/** A datagram as a tunnel sends it: without a checksum. */
export function datagram(
	source: End,
	destination: End,
	payload: Buffer,
): Buffer {
	const spec: PacketSpec = { protocol: "udp", source, destination };
	return withIp(spec, udp(spec, payload));
}

function udp({ source, destination }: PacketSpec, payload: Buffer): Buffer {
	const header = Buffer.alloc(8);
	header.writeUInt16BE(source.port, 0);
	header.writeUInt16BE(destination.port, 2);
	header.writeUInt16BE(8 + payload.length, 4);
	return Buffer.concat([header, payload]);
}

function tcp(spec: PacketSpec, payload: Buffer): Buffer {
	const header = Buffer.alloc(spec.syn ? 24 : 20);
	header.writeUInt16BE(spec.source.port, 0);
	header.writeUInt16BE(spec.destination.port, 2);
	header.writeUInt32BE(1, 4);
	header.writeUInt8((header.length / 4) << 4, 12);
	header.writeUInt8(spec.syn ? SYN : ACK, 13);
	header.writeUInt16BE(0xffff, 14);
	if (spec.syn) {
		header.writeUInt16BE(0x0204, 20);
		header.writeUInt16BE(usualMss(isSix(spec)), 22);
	}
	return Buffer.concat([header, payload]);
}

/** Both addresses, as the family has them. */
function addresses({ source, destination }: PacketSpec): Buffer {
	return Buffer.concat(
		[source, destination].map(({ address }) => address.wireBytes()),
	);
}

/** What the transport's checksum covers of the IP header. */
function pseudoHeader(spec: PacketSpec, length: number): Buffer {
	const rest = Buffer.alloc(8);
	rest.writeUInt32BE(length, 0);
	rest.writeUInt8(protocols[spec.protocol], 7);
	return Buffer.concat([addresses(spec), rest]);
}

const withIp = (spec: PacketSpec, transport: Buffer): Buffer =>
	Buffer.concat([
		ipHeader(
			addresses(spec),
			protocols[spec.protocol],
			transport.length,
			DONT_FRAGMENT,
		),
		transport,
	]);
