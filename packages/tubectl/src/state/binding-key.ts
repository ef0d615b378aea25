import {
	type BindingKey,
	bindingKey,
	type DestinationKey,
	type Domain,
	type Protocol,
	packedBindingKey,
	protocols,
} from "@sluice/maps/tables";
import type { Binding } from "../values/binding.js";
import type { Prefix } from "../values/prefix.js";
import { destinationKeyOf } from "./destinations.js";

/** Bits of a key before its address: protocol and port. */
const HEADER_BITS = 24;
/** Bits of `::ffff:0:0/96`, in which IPv4 lies. */
const MAPPED_BITS = 96;
/** Bits of the prefix itself, of a key's; below 0 where a key for IPv6 matches IPv4. */
export const prefixBits = (prefixlen: number, domain: Domain) =>
	prefixlen - HEADER_BITS - (domain === "ipv4" ? MAPPED_BITS : 0);

/** A binding's key in the trie. */
export const keyOf = ({ protocol, prefix, port }: Omit<Binding, "label">) => ({
	prefixlen:
		HEADER_BITS + prefix.length + (prefix.domain === "ipv4" ? MAPPED_BITS : 0),
	protocol: protocols[protocol],
	port,
	addr: prefix.address,
});

/** A key as a binding of the label. */
export function bindingOf(label: string, key: BindingKey): Binding {
	const bits = key.prefixlen - HEADER_BITS;
	const ipv4 = !key.addr.includes(":") && bits >= MAPPED_BITS;
	return {
		label,
		protocol: protocolOf(key.protocol),
		prefix: ipv4
			? { domain: "ipv4", address: key.addr, length: bits - MAPPED_BITS }
			: { domain: "ipv6", address: key.addr, length: bits },
		port: key.port,
	};
}

export const protocolOf = (number: number): Protocol =>
	number === protocols.udp ? "udp" : "tcp";

/** Where a binding leads. */
export const destinationOf = ({
	label,
	prefix,
	protocol,
}: Binding): DestinationKey =>
	destinationKeyOf({ label, domain: prefix.domain, protocol });

const buffer = Buffer.alloc(bindingKey.size);

/** The key as a string of bytes. */
export function pack(key: BindingKey): string {
	bindingKey.write(buffer, 0, key);
	return packedBindingKey.read(buffer, 0);
}

/** Where the protocol stands in a key. */
const PROTOCOL_AT = 4;

/** The keys for tcp and for udp of a prefix and port. */
export function packBoth(
	prefix: Prefix,
	port: number,
): [tcp: string, udp: string] {
	const tcp = pack(keyOf({ protocol: "tcp", prefix, port }));
	buffer[PROTOCOL_AT] = protocols.udp;
	return [tcp, packedBindingKey.read(buffer, 0)];
}

export function unpack(packed: string): BindingKey {
	packedBindingKey.write(buffer, 0, packed);
	return bindingKey.read(buffer, 0);
}

/** Prefix length of a packed key: no longer than 152, so that its first byte is all of it. */
export const packedLength = (packed: string) => packed.charCodeAt(0);

/** Whether a packed key is of one address. */
export const isSingleAddress = (packed: string) =>
	packedLength(packed) === HEADER_BITS + 128;
