import { badInput } from "@sluice/cli-kit";
import { Address } from "@sluice/maps/address";
import { address } from "@sluice/maps/codec";
import type { Domain } from "@sluice/maps/tables";
import { Netmask } from "netmask";

/** A subnet. */
export interface Prefix {
	domain: Domain;
	/** Its lowest address: 16 bytes in network order, IPv4 as `::ffff:a.b.c.d`, each a character. */
	address: string;
	/** Bits that all of its addresses share: up to 32 or 128. */
	length: number;
}

/**
 * Reads an IP address, or one and a prefix length: `192.0.2.0/24`. An address alone is the subnet of that one address.
 * Bits beyond the prefix length are cleared: `127.0.0.1/8` is `127.0.0.0/8`.
 */
export function prefix(name: string, text: string): Prefix {
	const slash = text.indexOf("/");
	const ip = slash < 0 ? text : text.slice(0, slash);
	const parsed = Address.parse(ip);
	if (!parsed)
		throw badInput(
			`${name} must be an IP address or a prefix such as 192.0.2.0/24, got "${text}"`,
		);
	const domain = ip.includes(":") ? "ipv6" : "ipv4";
	const longest = LONGEST[domain];
	const length =
		slash < 0 ? longest : lengthOf(name, text.slice(slash + 1), longest, text);
	const host = { domain, address: packed(parsed), length } as const;
	if (domain === "ipv6" && isMapped(scratch)) refuseMapped(name, text, host);
	return length === longest ? host : subnetOf(host, length);
}

export const LONGEST: Record<Domain, number> = { ipv4: 32, ipv6: 128 };

/** Bits of `::ffff:0:0/96`, in which IPv4 lies. */
export const MAPPED_BITS = 96;

/** "192.0.2.0/24". */
export const prefixText = ({ address: bytes, length }: Prefix) =>
	`${addressText(bytes)}/${length}`;

/** The subnet of `length` bits that an address lies in. */
export function subnetOf(
	{ domain, address: host }: Prefix,
	length: number,
): Prefix {
	if (!hasBitsBeyond(host, domain === "ipv4" ? MAPPED_BITS + length : length))
		return { domain, address: host, length };
	// netmask returns the address itself for an IPv4 length of 0.
	const isAll = domain === "ipv4" && length === 0;
	const ip = isAll ? "0.0.0.0" : addressText(host);
	return {
		domain,
		address: packed(Address.of(new Netmask(ip, length).base)),
		length,
	};
}

// A string takes a third of a Buffer's memory, and files have a hundred thousand addresses.
const scratch = Buffer.alloc(address.size);

function packed(host: Address): string {
	host.write(scratch, 0);
	return scratch.toString("latin1");
}

function addressText(bytes: string): string {
	scratch.write(bytes, "latin1");
	return Address.read(scratch, 0).toString();
}

function lengthOf(
	name: string,
	digits: string,
	longest: number,
	text: string,
): number {
	const length = /^\d{1,3}$/.test(digits) ? Number(digits) : Number.NaN;
	if (length <= longest) return length;
	throw badInput(
		`${name} must have a prefix length from 0 to ${longest}, got "${text}"`,
	);
}

/** Whether 16 bytes are an IPv4 address. */
export function isMapped(bytes: Buffer, at = 0): boolean {
	for (let i = at; i < at + 10; i++) if (bytes[i] !== 0) return false;
	return bytes[at + 10] === 0xff && bytes[at + 11] === 0xff;
}

function refuseMapped(name: string, text: string, host: Prefix): never {
	const length = host.length - MAPPED_BITS;
	const ipv4 = { ...host, domain: "ipv4", length } as const;
	throw badInput(
		`${name} must not be an IPv4 address in IPv6 form, got "${text}"`,
		length < 0
			? undefined
			: `write it as ${prefixText(subnetOf(ipv4, length))}`,
	);
}

/** Whether an address has bits set beyond the first `length`. */
function hasBitsBeyond(bytes: string, length: number): boolean {
	for (let at = length >> 3; at < bytes.length; at++) {
		const mask = at === length >> 3 ? 0xff00 >> (length & 7) : 0;
		if (bytes.charCodeAt(at) & ~mask & 0xff) return true;
	}
	return false;
}
