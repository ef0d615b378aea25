import type { Address } from "@sluice/maps/address";
import { internetChecksum } from "./checksum.js";
import { ipHeader } from "./ip-header.js";

const IPV4_HEADER = 20;
const IPV6_HEADER = 40;
const MORE_FRAGMENTS = 0x2000;
/** Of the later fragment, in units of 8 bytes. */
const OFFSET = 185;
const ID = 1;
const IPV6_FRAGMENT = 44;
const ICMP = 1;
const ICMPV6 = 58;

const isSix = (packet: Buffer) => (packet[0] as number) >> 4 === 6;

/**
 * A fragment of a packet that was larger: the first has the packet's own bytes, a later one eight zeros.
 * @param packet from its IP header on, without options or extensions
 */
export function fragmentOf(packet: Buffer, which: "first" | "later"): Buffer {
	const length = isSix(packet) ? IPV6_HEADER : IPV4_HEADER;
	// All fragments but the last are a multiple of 8 bytes long.
	const whole = packet.subarray(length);
	const payload =
		which === "first"
			? Buffer.concat([whole], Math.ceil(whole.length / 8) * 8)
			: Buffer.alloc(8);
	const header = Buffer.from(packet.subarray(0, length));
	return isSix(packet)
		? fragment6(header, payload, which)
		: fragment4(header, payload, which);
}

function fragment4(header: Buffer, payload: Buffer, which: string): Buffer {
	header.writeUInt16BE(IPV4_HEADER + payload.length, 2);
	header.writeUInt16BE(ID, 4);
	header.writeUInt16BE(which === "first" ? MORE_FRAGMENTS : OFFSET, 6);
	header.writeUInt16BE(0, 10);
	header.writeUInt16BE(internetChecksum(header), 10);
	return Buffer.concat([header, payload]);
}

function fragment6(header: Buffer, payload: Buffer, which: string): Buffer {
	const extension = Buffer.alloc(8);
	extension.writeUInt8(header.readUInt8(6), 0);
	extension.writeUInt16BE(which === "first" ? 1 : OFFSET << 3, 2);
	extension.writeUInt32BE(ID, 4);
	header.writeUInt8(IPV6_FRAGMENT, 6);
	header.writeUInt16BE(extension.length + payload.length, 4);
	return Buffer.concat([header, extension, payload]);
}

/** Bytes of a packet that an ICMPv4 error quotes: its header and eight more. */
const QUOTED = 28;
/** An ICMPv6 error is at most 1280 bytes long. */
const QUOTED_6 = 1280 - IPV6_HEADER - 8;

/**
 * The ICMP error that a router sends to a packet's sender.
 *
 * @param packet from its IP header on
 * @param router its address, of the packet's family
 * @param mtu of the size error; undefined: the destination is unreachable
 */
export function icmpError(
	packet: Buffer,
	router: Address,
	mtu: number | undefined,
): Buffer {
	const six = isSix(packet);
	const source = router.wireBytes();
	const sender = six ? packet.subarray(8, 24) : packet.subarray(12, 16);
	const icmp = Buffer.concat([
		Buffer.alloc(8),
		packet.subarray(0, six ? QUOTED_6 : QUOTED),
	]);
	if (six) {
		icmp.writeUInt8(mtu === undefined ? 1 : 2, 0);
		icmp.writeUInt32BE(mtu ?? 0, 4);
	} else {
		icmp.writeUInt8(3, 0);
		icmp.writeUInt8(mtu === undefined ? 1 : 4, 1);
		icmp.writeUInt16BE(mtu ?? 0, 6);
	}
	const ends = Buffer.concat([source, sender]);
	const header = ipHeader(ends, six ? ICMPV6 : ICMP, icmp.length);
	const pseudo = Buffer.alloc(8);
	pseudo.writeUInt32BE(icmp.length, 0);
	pseudo.writeUInt8(ICMPV6, 7);
	const covered = six ? Buffer.concat([ends, pseudo, icmp]) : icmp;
	icmp.writeUInt16BE(internetChecksum(covered), 2);
	return Buffer.concat([header, icmp]);
}
