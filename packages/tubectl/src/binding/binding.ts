import { type Args, values } from "@sluice/cli-kit";
import { address } from "@sluice/maps/codec";
import {
	type BindingKey,
	bindingKey,
	type DestinationKey,
	type Domain,
	domains,
	keyBitsOf,
	type Protocol,
	packedBindingKey,
	protocols,
} from "@sluice/maps/tables";
import { label } from "./label.js";
import { isMapped, MAPPED_BITS, type Prefix, prefix } from "./prefix.js";

/** Sends traffic to the socket that is registered for a label. */
export interface Binding {
	/** In the form of the listings: see `label`. */
	readonly label: string;
	/** Which traffic: a key of the bindings table, packed. */
	readonly key: string;
}

/** The traffic of a binding. */
interface Match {
	protocol: Protocol;
	prefix: Prefix;
	/** 0 is every port. */
	port: number;
}

/** Bits of a key before its address: protocol and port. */
const HEADER_BITS = 24;
// Where the parts of a key lie: see `bindingKey`.
const PROTOCOL_AT = 4;
const PORT_AT = 5;
const ADDRESS_AT = 7;

const scratch = Buffer.alloc(bindingKey.size);

/** Prefix length of the key of a subnet, in bits from the protocol on. */
export const keyBits = ({
	domain,
	length,
}: Pick<Prefix, "domain" | "length">) =>
	HEADER_BITS + length + (domain === "ipv4" ? MAPPED_BITS : 0);

export function keyOf({ protocol, prefix, port }: Match): string {
	scratch.writeUInt32LE(keyBits(prefix), 0);
	scratch[PROTOCOL_AT] = protocols[protocol];
	scratch.writeUInt16LE(port, PORT_AT);
	scratch.write(prefix.address, ADDRESS_AT, "latin1");
	return packedBindingKey.read(scratch, 0);
}

/** The same key of a protocol. */
export function withProtocol(key: string, protocol: Protocol): string {
	packedBindingKey.write(scratch, 0, key);
	scratch[PROTOCOL_AT] = protocols[protocol];
	return packedBindingKey.read(scratch, 0);
}

export function matchOf(key: string): Match {
	const { protocol, domain, length, port } = read(key);
	const address = scratch.toString("latin1", ADDRESS_AT);
	return { protocol, prefix: { domain, address, length }, port };
}

/** Reads a key into `scratch`, so that printing 100 000 bindings allocates no buffer for each. */
function read(key: string) {
	packedBindingKey.write(scratch, 0, key);
	const bits = keyBitsOf(key) - HEADER_BITS;
	const isIpv4 = bits >= MAPPED_BITS && isMapped(scratch, ADDRESS_AT);
	const domain: Domain = isIpv4 ? "ipv4" : "ipv6";
	return {
		protocol: protocolOf(scratch[PROTOCOL_AT] as number),
		domain,
		length: isIpv4 ? bits - MAPPED_BITS : bits,
		port:
			(scratch[PORT_AT] as number) | ((scratch[PORT_AT + 1] as number) << 8),
	};
}

/** A packed key as the trie's lookup takes it. */
export function unpacked(key: string): BindingKey {
	packedBindingKey.write(scratch, 0, key);
	return bindingKey.read(scratch, 0);
}

export const protocolOf = (number: number): Protocol =>
	number === protocols.udp ? "udp" : "tcp";

export const domainOf = (number: number): Domain =>
	number === domains.ipv4 ? "ipv4" : "ipv6";

/** The destination that a binding leads to. */
export function destinationOf({ label, key }: Binding): DestinationKey {
	const { protocol, domain } = read(key);
	return { label, domain: domains[domain], protocol: protocols[protocol] };
}

/** Reads the positionals `<label> <protocol> <prefix> <port>`. */
export const bindingArgs = (args: Args): Binding => ({
	label: label("label", args.text("label")),
	key: keyOf({
		protocol: values.protocol("protocol", args.text("protocol")),
		prefix: prefix("prefix", args.text("prefix")),
		port: values.port("port", args.text("port")),
	}),
});

/** The words of `bindingArgs`, in its order. */
export function bindingWords({ label, key }: Binding) {
	const { protocol, prefix, port } = bindingJson({ label, key });
	return [label, protocol, prefix, String(port)] as const;
}

/** "foo#tcp:[127.0.0.0/8]:80". */
export function bindingText(binding: Binding): string {
	const { label, protocol, prefix, port } = bindingJson(binding);
	return `${label}#${protocol}:[${prefix}]:${port}`;
}

/** A binding in JSON. */
export function bindingJson({ label, key }: Binding) {
	const { protocol, length, port } = read(key);
	const prefix = `${address.read(scratch, ADDRESS_AT)}/${length}`;
	return { label, protocol, prefix, port };
}

/** The bindings in the order of the listings. */
export const inOrder = (bindings: readonly Binding[]): Binding[] =>
	bindings
		.map((one) => ({ one, rank: listingRank(one.key) }))
		.sort((a, b) => (a.rank < b.rank ? -1 : 1))
		.map(({ one }) => one);

/**
 * The sort key of listings. Their order is tubular's: protocol, IPv4 before IPv6, the last address of the
 * subnet, longer prefixes first, ports in ascending order and every port last. Of bindings that match one packet, the
 * one that gets it comes first.
 */
export function listingRank(key: string): string {
	const { protocol, domain, port } = read(key);
	const bits = keyBitsOf(key);
	for (let bit = bits - HEADER_BITS; bit < 128; bit++) {
		const at = ADDRESS_AT + (bit >> 3);
		scratch[at] = (scratch[at] as number) | (0x80 >> (bit & 7));
	}
	// Port 0 becomes the highest.
	const order = (port - 1) & 0xffff;
	// One piece: a text that is put together of several takes more memory.
	rank[0] = protocols[protocol];
	rank[1] = domains[domain];
	scratch.copy(rank, 2, ADDRESS_AT);
	rank[18] = 255 - bits;
	rank[19] = order >> 8;
	rank[20] = order & 0xff;
	return rank.toString("latin1");
}

const rank = Buffer.alloc(21);
