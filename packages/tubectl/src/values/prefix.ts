import { badInput } from "@sluice/cli-kit";
import { isIpv4, isIpv6 } from "@sluice/maps/address";
import { address } from "@sluice/maps/codec";
import { Netmask } from "netmask";

/** A subnet. */
export interface Prefix {
	domain: "ipv4" | "ipv6";
	/** Its lowest address, in canonical form. */
	address: string;
	/** Bits that all of its addresses share: up to 32 or 128. */
	length: number;
}

const buffer = Buffer.alloc(address.size);

/** An IP address, or one and a prefix length: `192.0.2.0/24`. An address alone is the subnet of that one address. */
export function prefix(name: string, text: string): Prefix {
	const slash = text.indexOf("/");
	const ip = slash < 0 ? text : text.slice(0, slash);
	const v4 = isIpv4(ip);
	if (!v4 && !isIpv6(ip))
		throw badInput(
			`${name} must be an IP address or a prefix such as 192.0.2.0/24, got "${text}"`,
		);
	const longest = v4 ? 32 : 128;
	const length =
		slash < 0 ? longest : lengthOf(name, text.slice(slash + 1), longest, text);
	address.write(buffer, 0, ip);
	if (!v4 && isMapped(buffer))
		throw badInput(
			`${name} must not be an IPv4 address in IPv6 form, got "${text}"`,
			`write it as ${address.read(buffer, 0)}`,
		);
	const host: Prefix = {
		domain: v4 ? "ipv4" : "ipv6",
		address: v4 ? ip : address.read(buffer, 0),
		length,
	};
	if (hasHostBits(buffer, v4 ? 96 + length : length))
		throw badInput(
			`${name} must not have bits set beyond its length, got "${text}"`,
			`the subnet is ${prefixText(subnetOf(host, length))}`,
		);
	return host;
}

/** "192.0.2.0/24". */
export const prefixText = ({ address, length }: Prefix) =>
	`${address}/${length}`;

/** The subnet of `length` bits that an address lies in. */
export function subnetOf(
	{ domain, address: ip }: Prefix,
	length: number,
): Prefix {
	// Of IPv4 and a length of 0 netmask gives back the address itself.
	const isAll = domain === "ipv4" && length === 0;
	const { base } = new Netmask(isAll ? "0.0.0.0" : ip, length);
	address.write(buffer, 0, base);
	return { domain, address: address.read(buffer, 0), length };
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

const isMapped = (bytes: Buffer) =>
	bytes.readBigUInt64BE(0) === 0n && bytes.readUInt32BE(8) === 0xffff;

/** Whether an address has bits set beyond `length`: quickly, for files have a hundred thousand of them. */
function hasHostBits(bytes: Buffer, length: number): boolean {
	for (let at = length >> 3; at < bytes.length; at++) {
		const kept = at === length >> 3 ? 0xff00 >> (length & 7) : 0;
		if ((bytes[at] as number) & ~kept & 0xff) return true;
	}
	return false;
}
