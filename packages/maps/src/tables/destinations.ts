import { struct, u8, u32, type ValueOf } from "../codec.js";
import { hash } from "../table.js";
import { label } from "./label.js";

/** Address families, as `domain` numbers them. */
export const domains = { ipv4: 2, ipv6: 10 } as const;
export type Domain = keyof typeof domains;

/** Who serves traffic. Mirrors `struct destination_key` in `bpf/dispatcher/dispatcher.h`. */
export type DestinationKey = ValueOf<typeof destinationKey>;

const destinationKey = struct(257, {
	label: [0, label],
	/** AF_INET or AF_INET6. */
	domain: [255, u8],
	/** IPPROTO_TCP or IPPROTO_UDP. */
	protocol: [256, u8],
});

/** A destination's id, which is its index in the sockets and metrics tables. Mirrors `struct destination`. */
export type DestinationValue = ValueOf<typeof destination>;

export const destination = struct(8, {
	id: [0, u32],
	/** Bindings that lead here. The id is in use while this is not 0, or while a socket is registered. */
	count: [4, u32],
});

/** Destination → id. */
export const destinationsTable = hash(
	"destinations",
	destinationKey,
	destination,
	{ flags: 0 },
);
