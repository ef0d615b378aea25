import { formatIpv4, writeIpv4 } from "./ipv4.js";
import { formatIpv6, writeIpv6 } from "./ipv6.js";

const SIZE = 16;
/** Where the four bytes of an IPv4 address are in its sixteen, `::ffff:a.b.c.d`. */
const IPV4_AT = 12;
const MAPPED = 0xffff;

/**
 * An IP address: 16 bytes in network order, IPv4 as `::ffff:a.b.c.d`. It is parsed once, where text comes in; a row's
 * bytes are copied. Its text is made when it is printed, in JSON too. `equals` compares; `===` does not.
 */
export class Address {
	/** The bytes as four words, the first byte in the highest bits of the first word. Of IPv4, `w3` is the address. */
	private constructor(
		readonly w0: number,
		readonly w1: number,
		readonly w2: number,
		readonly w3: number,
	) {}

	/** Undefined: the text is not an address, or it has a zone. */
	static parse(text: string): Address | undefined {
		if (writeIpv4(scratch, IPV4_AT, text))
			return new Address(0, 0, MAPPED, word(scratch, IPV4_AT));
		return writeIpv6(scratch, 0, text) ? Address.read(scratch, 0) : undefined;
	}

	/** @throws RangeError the text is not an address */
	static of(text: string): Address {
		const address = Address.parse(text);
		if (address) return address;
		throw new RangeError(`"${text}" is not an IP address`);
	}

	static read = (bytes: Buffer, at: number): Address =>
		new Address(
			word(bytes, at),
			word(bytes, at + 4),
			word(bytes, at + 8),
			word(bytes, at + 12),
		);

	/** Of an IPv4 header, which has 4 bytes of it. */
	static readIpv4 = (bytes: Buffer, at: number): Address =>
		new Address(0, 0, MAPPED, word(bytes, at));

	write(bytes: Buffer, at: number): void {
		writeWord(bytes, at, this.w0);
		writeWord(bytes, at + 4, this.w1);
		writeWord(bytes, at + 8, this.w2);
		writeWord(bytes, at + 12, this.w3);
	}

	/** The address in an IP header: 4 or 16 bytes. */
	wireBytes(): Buffer {
		const bytes = Buffer.alloc(SIZE);
		this.write(bytes, 0);
		return this.isIpv4 ? bytes.subarray(IPV4_AT) : bytes;
	}

	get isIpv4(): boolean {
		return this.w2 === MAPPED && this.w1 === 0 && this.w0 === 0;
	}

	equals(other: Address): boolean {
		return (
			this.w3 === other.w3 &&
			this.w2 === other.w2 &&
			this.w1 === other.w1 &&
			this.w0 === other.w0
		);
	}

	/** IPv4 as `a.b.c.d`, all others by RFC 5952. */
	toString(): string {
		if (this.isIpv4) return formatIpv4(this.w3);
		this.write(scratch, 0);
		return formatIpv6(scratch, 0);
	}

	toJSON(): string {
		return this.toString();
	}
}

const scratch = Buffer.alloc(SIZE);

const word = (bytes: Buffer, at: number) =>
	((bytes[at] as number) << 24) |
	((bytes[at + 1] as number) << 16) |
	((bytes[at + 2] as number) << 8) |
	(bytes[at + 3] as number);

function writeWord(bytes: Buffer, at: number, word: number): void {
	bytes[at] = word >>> 24;
	bytes[at + 1] = word >>> 16;
	bytes[at + 2] = word >>> 8;
	bytes[at + 3] = word;
}

/** "1.2.3.4:80", "[2001:db8::1]:80". */
export function endpointText(address: Address | string, port: number): string {
	// String() and templates take twice as long, which counts when a large table is printed.
	const text = address.toString();
	return text.includes(":") ? `[${text}]:${port}` : `${text}:${port}`;
}
