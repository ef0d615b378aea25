import { readdirSync, readFileSync } from "node:fs";
import { Address } from "@sluice/maps/address";
import { type Endpoint, protocols } from "@sluice/maps/tables";

/** States in /proc/net: TCP_LISTEN, and that of an unconnected UDP socket. */
const states = { tcp: "0A", udp: "07" } as const;

/**
 * The endpoints of services on which sockets of this network namespace receive. Undefined where that is not known:
 * without /proc, or where a dispatcher of tubectl hands connections to sockets that are bound elsewhere.
 */
export function listeners(bpffs: string): Endpoint[] | undefined {
	try {
		if (readdirSync(bpffs).some((name) => name.endsWith("_dispatcher")))
			return undefined;
	} catch {
		// Without a bpffs there is no dispatcher.
	}
	return boundSockets();
}

/** The endpoints to which sockets of this network namespace are bound, for TCP those that listen. Undefined without /proc. */
export function boundSockets(): Endpoint[] | undefined {
	const found: Endpoint[] = [];
	for (const name of ["tcp", "udp"] as const)
		for (const family of ["", "6"]) {
			const lines = linesOf(`/proc/net/${name}${family}`);
			if (!lines && family === "") return undefined;
			for (const line of lines ?? []) {
				const [, local = "", , state] = line.trim().split(/\s+/);
				if (state !== states[name]) continue;
				const [address = "", port = ""] = local.split(":");
				found.push({
					proto: protocols[name],
					address: addressOf(address),
					port: Number.parseInt(port, 16),
				});
			}
		}
	return found;
}

/** Whether a socket bound to the first address receives packets to the second. */
export const isListening = (bound: Endpoint, to: Endpoint): boolean =>
	bound.proto === to.proto &&
	bound.port === to.port &&
	(bound.address.equals(to.address) ||
		bound.address.equals(any) ||
		(bound.address.equals(anyIpv4) && to.address.isIpv4));

const any = Address.of("::");
const anyIpv4 = Address.of("0.0.0.0");

function linesOf(file: string): string[] | undefined {
	try {
		return readFileSync(file, "utf8").trim().split("\n").slice(1);
	} catch {
		return undefined;
	}
}

/** Words of four bytes in the machine's order, which is little-endian wherever this runs. */
function addressOf(hex: string): Address {
	const bytes = Buffer.from(hex, "hex").swap32();
	return bytes.length === 4
		? Address.readIpv4(bytes, 0)
		: Address.read(bytes, 0);
}
