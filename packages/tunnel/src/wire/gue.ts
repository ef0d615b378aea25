import type { Sid } from "@sluice/maps/tables";

// GUE version 0 (draft-ietf-intarea-gue) with the flags for a group id and for security. Byte order: network.

/** First 32 bits: control bit, header length in 32-bit words, protocol or control type, flags. */
export const gueWords = {
	/** An IPv4 or IPv6 packet follows the sid and the key. */
	data: { ipv4: 0x0504a000, ipv6: 0x0529a000 },
	/** A ping with sid, key and tunnel id. */
	ping: 0x2601a000,
	/** A ping with the tunnel id alone, accepted only where the far end allows `open-ping`. */
	openPing: 0x21010000,
} as const;

/** The low 16 bits of every word but `openPing`. */
export const GUE_FLAGS = 0xa000;

/** What authenticates a GUE packet: a service's sid and its key of 16 bytes. */
export interface Credentials {
	sid: Sid;
	key: Buffer;
}

/** GUE with a sid and a key in front of an IP packet. */
export function gueData(service: Credentials, inner: Buffer): Buffer {
	const version = (inner[0] as number) >> 4 === 6 ? "ipv6" : "ipv4";
	return Buffer.concat([header(gueWords.data[version], service), inner]);
}

/** A ping of a tunnel: 28 bytes with a service's credentials, 8 bytes without. */
export function guePing(tunnel: number, service?: Credentials): Buffer {
	return Buffer.concat([
		service ? header(gueWords.ping, service) : word(gueWords.openPing),
		word(tunnel),
	]);
}

function header(first: number, { sid, key }: Credentials): Buffer {
	const bytes = Buffer.alloc(24);
	bytes.writeUInt32BE(first, 0);
	bytes.writeUInt16BE(sid.service, 4);
	bytes.writeUInt16BE(sid.group, 6);
	key.copy(bytes, 8, 0, 16);
	return bytes;
}

function word(value: number): Buffer {
	const bytes = Buffer.alloc(4);
	bytes.writeUInt32BE(value);
	return bytes;
}
