import { Address } from "@sluice/maps/address";
import { bytes as bytesCodec } from "@sluice/maps/codec";
import {
	MOVE_NEVER,
	type Protocol,
	protocols,
	type Sid,
} from "@sluice/maps/tables";
import { badInput, wrongValue } from "./failure.js";

// Text from a command line → value. Each parser takes the argument's name and throws a Failure with the
// expected and the actual value.

/** Decimal or 0x hex, from `min` to `max`. */
export function integer(
	name: string,
	text: string,
	min: number,
	max: number,
): number {
	const value = numberOf(text);
	if (value >= min && value <= max) return value;
	throw wrongValue(name, `must be an integer from ${min} to ${max}`, text);
}

/** How many to stop after; Infinity where it is left out. */
export const limit = (name: string, text: string | undefined): number =>
	text === undefined
		? Number.POSITIVE_INFINITY
		: integer(name, text, 1, 0xffff_ffff);

/** One of some words. */
export function word<const T extends string>(
	name: string,
	text: string,
	words: readonly T[],
): T {
	const found = words.find((one) => one === text);
	if (found !== undefined) return found;
	throw wrongValue(
		name,
		`must be ${words.slice(0, -1).join(", ")} or ${words.at(-1)}`,
		text,
	);
}

/** NaN if the text is not a number. */
function numberOf(text: string): number {
	const { length } = text;
	if (length === 0 || length > LONGEST_DECIMAL) return hexadecimal(text);
	let value = 0;
	for (let i = 0; i < length; i++) {
		const digit = text.charCodeAt(i) - ZERO;
		if (digit < 0 || digit > 9) return hexadecimal(text);
		value = value * 10 + digit;
	}
	return value;
}

const ZERO = "0".charCodeAt(0);
const LONGEST_DECIMAL = 15;

const hexadecimal = (text: string) =>
	/^0x[0-9a-f]{1,12}$/i.test(text) ? Number(text) : Number.NaN;

/** A port, in host order. */
export const port = (name: string, text: string) =>
	integer(name, text, 0, 65_535);

/** An unsigned number of 32 bits. */
export const u32 = (name: string, text: string) =>
	integer(name, text, 0, 0xffff_ffff);

/** A number, or the one word that may stand in its place. */
export function integerOr<const T extends string>(
	name: string,
	text: string,
	word: T,
	min: number,
	max: number,
): number | T {
	if (text === word) return word;
	const value = numberOf(text);
	if (value >= min && value <= max) return value;
	throw wrongValue(
		name,
		`must be an integer from ${min} to ${max}, or ${word}`,
		text,
	);
}

/** An unsigned number of 16 bits. */
export const u16 = (name: string, text: string) =>
	integer(name, text, 0, 65_535);

/** "SERVICE,GROUP". */
export function sid(name: string, text: string): Sid {
	const [service, group, ...more] = text.split(",");
	if (service === undefined || group === undefined || more.length > 0)
		throw badInput(`${name} must be SERVICE,GROUP, got "${text}"`);
	return { service: u16("service", service), group: u16("group", group) };
}

/** Seconds, with a fraction if need be, from a hundredth to a day. */
export function seconds(name: string, text: string): number {
	const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
	if (value >= 0.01 && value <= 86_400) return value;
	throw wrongValue(
		name,
		"must be a number of seconds from 0.01 to 86400",
		text,
	);
}

/** An IP address; `::ffff:1.2.3.4` is `1.2.3.4`. */
export function address(name: string, text: string): Address {
	const parsed = Address.parse(text);
	if (parsed) return parsed;
	throw wrongValue(name, "must be an IPv4 or IPv6 address", text);
}

/** How long a far end must be silent before an unsigned ping moves it: seconds, or `never`. */
export function moveAfter(name: string, text: string): number {
	const after = integerOr(name, text, "never", 1, 86_400 * 365);
	return after === "never" ? MOVE_NEVER : after;
}

/** A prefix with its length counted as in the tables: of 128 bits, IPv4 being the last 32. */
export function prefix(
	name: string,
	text: string,
): { within: Address; withinBits: number } {
	const [typed = "", length, more] = text.split("/");
	if (length === undefined || more !== undefined)
		throw badInput(`${name} must be ADDRESS/LENGTH, got "${text}"`);
	const within = address(name, typed);
	const bits = within.isIpv4 ? 32 : 128;
	return {
		within,
		withinBits: 128 - bits + integer(`the length of ${name}`, length, 0, bits),
	};
}

/** tcp or udp. */
export function protocol(name: string, text: string): Protocol {
	for (const one of protocolNames) if (one === text) return one;
	throw wrongValue(name, "must be tcp or udp", text);
}

const protocolNames = Object.keys(protocols) as Protocol[];

const KEY_SIZE = 16;

/**
 * A service's key: up to 16 bytes of text, zero padded; or `hex:` and 32 digits, or `base64:` of 16 bytes.
 * The text of a key is a secret, so no error repeats it.
 */
export function key(name: string, text: string): Buffer {
	const bytes = keyBytes(name, text);
	if (bytes.length > KEY_SIZE)
		throw badInput(
			`${name} must be at most ${KEY_SIZE} bytes long, got ${bytes.length} bytes`,
		);
	if (bytes.length === 0) throw badInput(`${name} must not be empty`);
	if (bytes.length === KEY_SIZE) return bytes;
	const padded = Buffer.allocUnsafe(KEY_SIZE);
	keyCodec.write(padded, 0, bytes);
	return padded;
}

/** A signing key: written as a service's key, but not all zero, which is none for the packet programs. */
export const signingKey = (name: string, text: string): Buffer =>
	notZero(name, key(name, text));

/** @throws Failure usage: a signing key that is all zero */
export function notZero(name: string, signing: Buffer): Buffer {
	if (signing.every((byte) => byte === 0))
		throw badInput(`${name} must not be all zero`);
	return signing;
}

const keyCodec = bytesCodec(KEY_SIZE);

function keyBytes(name: string, text: string): Buffer {
	if (text.startsWith("hex:")) {
		const digits = text.slice("hex:".length);
		if (!/^[0-9a-f]{32}$/i.test(digits))
			throw badInput(`${name} must be "hex:" and 32 hexadecimal digits`);
		return Buffer.from(digits, "hex");
	}
	if (text.startsWith("base64:")) {
		const digits = text.slice("base64:".length);
		const bytes = Buffer.from(digits, "base64");
		if (bytes.length !== KEY_SIZE || bytes.toString("base64") !== digits)
			throw badInput(
				`${name} must be "base64:" and ${KEY_SIZE} bytes in base64`,
			);
		return bytes;
	}
	// The replacement character of a decoder, for bytes that are not UTF-8: the key would not be the one that was typed.
	if (text.includes("\ufffd"))
		throw badInput(
			`${name} must be text in UTF-8, or "hex:" and 32 hexadecimal digits`,
		);
	return Buffer.from(text, "utf8");
}

/**
 * Flags as one number, decimal or 0x hex, or as names separated by commas.
 * @param known the name of each bit
 */
export function flags(
	name: string,
	text: string,
	known: Readonly<Record<string, number>>,
): number {
	const all = Object.values(known).reduce((sum, bit) => sum | bit, 0);
	if (/^\d/.test(text)) {
		const value = integer(name, text, 0, 0xffff_ffff);
		const unknown = (value & ~all) >>> 0;
		if (unknown === 0) return value;
		throw badInput(
			`${name} has unknown bits ${unknown}, got "${text}"; known are ${list(known)}`,
		);
	}
	return text
		.split(",")
		.reduce((sum, word) => sum | bitOf(name, word, text, known), 0);
}

function bitOf(
	name: string,
	word: string,
	text: string,
	known: Readonly<Record<string, number>>,
): number {
	const bit = Object.hasOwn(known, word) ? known[word] : undefined;
	if (bit !== undefined) return bit;
	throw badInput(
		`${name} has an unknown flag "${word}", got "${text}"; known are ${list(known)}`,
	);
}

const list = (known: Readonly<Record<string, number>>) =>
	Object.entries(known)
		.map(([word, bit]) => `${bit} ${word}`)
		.join(", ");
