import type { Sid } from "@sluice/maps/tables";

/** First word of a control packet: control bit, header length in 32-bit words after it, type 1; G and SEC flags. */
const FULL = 0x2601a000;
const OPEN = 0x21010000;

/** A ping that proves who sends it: 28 bytes, the payload of a UDP datagram. */
export function fullPing(tunnel: number, sid: Sid, key: Buffer): Buffer {
	const ping = Buffer.alloc(28);
	ping.writeUInt32BE(FULL, 0);
	ping.writeUInt16BE(sid.service, 4);
	ping.writeUInt16BE(sid.group, 6);
	key.copy(ping, 8, 0, 16);
	ping.writeUInt32BE(tunnel, 24);
	return ping;
}

/** A ping without a key, taken only where the far end allows `open-ping`: 8 bytes. */
export function openPing(tunnel: number): Buffer {
	const ping = Buffer.alloc(8);
	ping.writeUInt32BE(OPEN, 0);
	ping.writeUInt32BE(tunnel, 4);
	return ping;
}
