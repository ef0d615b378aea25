import type { Endpoint, Sid } from "@sluice/maps/tables";
import { siphash128 } from "../siphash.js";

/** Nanoseconds that a token is sent for: `TOKEN_EPOCH` of bpf/tunnel/lookup.h. */
const TOKEN_EPOCH = 16_000_000_000n;

/** The flow of an inner packet. */
interface Flow {
	source: Endpoint;
	destination: Endpoint;
}

/** The epoch that a sender is in. @param now nanoseconds (CLOCK_TAI) */
export const sentEpoch = (now: bigint): number =>
	Number((now - TOKEN_EPOCH / 2n) / TOKEN_EPOCH);

/**
 * The token of a flow in an epoch: carried in place of the service's key. SipHash-2-4-128 under the signing key
 * over the epoch, the sid, both addresses, both ports and the protocol, all in network byte order, IPv4 as ::ffff:0:0/96;
 * epoch, sid and protocol are 4 bytes each.
 */
export function flowToken(
	signing: Buffer,
	{ service, group }: Sid,
	{ source, destination }: Flow,
	epoch: number,
): Buffer {
	const message = Buffer.alloc(48);
	message.writeUInt32BE(epoch, 0);
	message.writeUInt16BE(service, 4);
	message.writeUInt16BE(group, 6);
	source.address.write(message, 8);
	destination.address.write(message, 24);
	message.writeUInt16BE(source.port, 40);
	message.writeUInt16BE(destination.port, 42);
	message.writeUInt32BE(source.proto, 44);
	return siphash128(signing, message);
}
