import { writeIpv4 } from "./ipv4.js";

const SIZE = 16;
const GROUPS = 8;

/** Writes an IPv6 address as 16 bytes. Returns false where the text is anything else; the bytes are then spoilt. */
export function writeIpv6(buffer: Buffer, at: number, text: string): boolean {
	/** Bytes written; those behind `::` are moved to the end when all have been. */
	let size = 0;
	let gap = NONE;
	let group = 0;
	let digits = 0;
	let groupAt = 0;
	if (text.startsWith(":") && !text.startsWith("::")) return false;
	for (let i = text.startsWith(":") ? 1 : 0; i < text.length; i++) {
		const code = text.charCodeAt(i);
		const digit = hexDigit(code);
		if (digit >= 0) {
			if (++digits > 4 || size === SIZE) return false;
			group = (group << 4) | digit;
			continue;
		}
		if (code === DOT) {
			if (size > SIZE - 4) return false;
			if (!writeIpv4(buffer, at + size, text.slice(groupAt))) return false;
			size += 4;
			digits = 0;
			break;
		}
		if (code !== COLON) return false;
		groupAt = i + 1;
		if (digits === 0) {
			if (gap !== NONE) return false;
			gap = size;
			continue;
		}
		if (groupAt === text.length) return false;
		size = writeGroup(buffer, at, size, group);
		group = digits = 0;
	}
	if (digits > 0) size = writeGroup(buffer, at, size, group);
	if (gap === NONE) return size === SIZE;
	if (size === SIZE) return false;
	const behind = at + SIZE - (size - gap);
	buffer.copyWithin(behind, at + gap, at + size);
	buffer.fill(0, at + gap, behind);
	return true;
}

function writeGroup(
	buffer: Buffer,
	at: number,
	size: number,
	group: number,
): number {
	buffer[at + size] = group >>> 8;
	buffer[at + size + 1] = group;
	return size + 2;
}

const NONE = -1;
const COLON = ":".charCodeAt(0);
const DOT = ".".charCodeAt(0);

/** What a character is worth as a digit; below 0: it is none. */
function hexDigit(code: number): number {
	if (code < A) return code <= NINE ? code - ZERO : NONE;
	const letter = (code | LOWER) - LOWER_A;
	return letter >= 0 && letter < 6 ? letter + 10 : NONE;
}

const ZERO = "0".charCodeAt(0);
const NINE = "9".charCodeAt(0);
const A = "A".charCodeAt(0);
const LOWER_A = "a".charCodeAt(0);
/** The bit in which small letters and capitals differ. */
const LOWER = 32;

/** Reads 16 bytes as RFC 5952 has an address: the first of the longest rows of zero groups, of two at least, is `::`. */
export function formatIpv6(buffer: Buffer, at: number): string {
	const group = (i: number) =>
		((buffer[at + 2 * i] as number) << 8) | (buffer[at + 2 * i + 1] as number);
	let first = -1;
	let length = 1;
	for (let i = 0; i < GROUPS; i++) {
		let end = i;
		while (end < GROUPS && group(end) === 0) end++;
		if (end - i > length) {
			first = i;
			length = end - i;
		}
		i = Math.max(i, end);
	}
	let text = "";
	for (let i = 0; i < GROUPS; i++) {
		if (i === first) {
			text += "::";
			i += length - 1;
			continue;
		}
		if (text !== "" && !text.endsWith(":")) text += ":";
		text += group(i).toString(16);
	}
	return text;
}
