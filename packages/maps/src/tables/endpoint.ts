import { address, struct, u8, u16be, type ValueOf } from "../codec.js";

/** Protocol numbers of IANA. */
export const protocols = { tcp: 6, udp: 17 } as const;
export type Protocol = keyof typeof protocols;

/** 6 → "tcp"; a number without a name here is printed as it is. */
export const protocolName = (proto: number): string =>
	names.get(proto) ?? String(proto);

const names: ReadonlyMap<number, string> = new Map(
	Object.entries(protocols).map(([name, number]) => [number, name]),
);

/**
 * Address, port and protocol number. Mirrors `struct endpoint` in `bpf/lib/address.h`.
 */
export type Endpoint = ValueOf<typeof endpoint>;

export const endpoint = struct(20, {
	address: [0, address],
	port: [16, u16be],
	proto: [18, u8],
});
