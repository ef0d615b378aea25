import { Address } from "@sluice/maps/address";
import type { Sid } from "@sluice/maps/tables";
import { siphash128 } from "../siphash.js";

// Signed pings and their answers: `struct signed_ping` and `struct ping_answer` of bpf/tunnel/ping_answer.h. All numbers
// are in network byte order; the MAC is SipHash-2-4-128 of the other fields of the header.

const words = {
	ping: 0x2802a000,
	pingWithChallenge: 0x2a02a000,
	answer: 0x3103a000,
} as const;

const MAC = 8;
const MAC_END = 24;
const ANSWER_SIZE = 72;

/** Bytes of UDP payload from which on a ping is answered: the answer is as long as the ping. */
export const LEAST_ANSWERED = ANSWER_SIZE;

/** The fields of a signed ping. */
interface SignedPing {
	sid: Sid;
	/** The signing key, 16 bytes. */
	key: Buffer;
	tunnel: number;
	/** Nanoseconds (CLOCK_TAI); newer than that of the tunnel's ping before. */
	time: bigint;
	/** Of the last answer, where there was one. */
	challenge?: bigint | undefined;
}

/** @param size of the whole UDP payload; the padding after the header is zero */
export function signedPing(ping: SignedPing, size = LEAST_ANSWERED): Buffer {
	const { sid, key, tunnel, time, challenge } = ping;
	const header = Buffer.alloc(challenge === undefined ? 36 : 44);
	header.writeUInt32BE(
		challenge === undefined ? words.ping : words.pingWithChallenge,
	);
	header.writeUInt16BE(sid.service, 4);
	header.writeUInt16BE(sid.group, 6);
	header.writeUInt32BE(tunnel, 24);
	header.writeBigUInt64BE(time, 28);
	if (challenge !== undefined) header.writeBigUInt64BE(challenge, 36);
	macOf(key, header).copy(header, MAC);
	return Buffer.concat([header], Math.max(size, header.length));
}

/** What became of a ping at the far end. */
const pingResults = ["heard", "moved", "challenged"] as const;

export interface PingAnswer {
	sid: Sid;
	tunnel: number;
	/** The ping's. */
	time: bigint;
	/** For the next ping; 0: none. */
	challenge: bigint;
	/** The far end's clock, nanoseconds (CLOCK_TAI). */
	now: bigint;
	/** This end, as the far end sees it. */
	address: Address;
	port: number;
	result: (typeof pingResults)[number];
}

/**
 * Reads an answer.
 * @param keyOf the signing key of a service
 * @returns undefined: it is none, or its MAC is wrong
 */
export function readAnswer(
	bytes: Buffer,
	keyOf: (sid: Sid) => Buffer | undefined,
): PingAnswer | undefined {
	if (bytes.length < ANSWER_SIZE || bytes.readUInt32BE(0) !== words.answer)
		return undefined;
	const header = bytes.subarray(0, ANSWER_SIZE);
	const sid = {
		service: header.readUInt16BE(4),
		group: header.readUInt16BE(6),
	};
	const key = keyOf(sid);
	const result = pingResults[header.readUInt16BE(70)];
	if (!key || !result) return undefined;
	if (!macOf(key, header).equals(header.subarray(MAC, MAC_END)))
		return undefined;
	return {
		sid,
		tunnel: header.readUInt32BE(24),
		time: header.readBigUInt64BE(28),
		challenge: header.readBigUInt64BE(36),
		now: header.readBigUInt64BE(44),
		address: Address.read(header, 52),
		port: header.readUInt16BE(68),
		result,
	};
}

const macOf = (key: Buffer, header: Buffer) =>
	siphash128(
		key,
		Buffer.concat([header.subarray(0, MAC), header.subarray(MAC_END)]),
	);
