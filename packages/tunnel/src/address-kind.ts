import { Address } from "@sluice/maps/address";

/** Why an address cannot be that of one other host; `own` and a subnet's `broadcast` depend on this host's interfaces. */
type AddressKind =
	| "unspecified"
	| "multicast"
	| "broadcast"
	| "loopback"
	| "own";

/** What an address is by itself; `undefined` where it may be a host's. */
export function addressKind(address: Address): AddressKind | undefined {
	if (!address.isIpv4) {
		if (address.equals(unspecified)) return "unspecified";
		if (address.equals(loopback)) return "loopback";
		return address.w0 >>> 24 === 0xff ? "multicast" : undefined;
	}
	const first = address.w3 >>> 24;
	if (first === 0) return "unspecified";
	if (first === 127) return "loopback";
	if (address.equals(broadcast)) return "broadcast";
	return first >= 224 && first < 240 ? "multicast" : undefined;
}

const unspecified = Address.of("::");
const loopback = Address.of("::1");
const broadcast = Address.of("255.255.255.255");

/** The same; also `own`, and `broadcast` for a subnet of this host. */
export const addressKindHere = (address: Address): AddressKind | undefined =>
	addressKind(address) ?? here().get(address.toString());

let known: Map<string, AddressKind> | undefined;

/** Read once: a batch may ask for a hundred thousand. */
function here(): Map<string, AddressKind> {
	if (known) return known;
	known = new Map();
	// Loaded here because most commands take no address.
	const { networkInterfaces } = process.getBuiltinModule("node:os");
	for (const { family, address, netmask } of Object.values(
		networkInterfaces(),
	).flatMap((addresses) => addresses ?? [])) {
		const broadcast = family === "IPv4" && broadcastOf(address, netmask);
		if (broadcast) known.set(broadcast, "broadcast");
		known.set(address, "own");
	}
	return known;
}

/** The last address of a subnet, which is the broadcast address but of /31 and /32. */
function broadcastOf(address: string, netmask: string): string | undefined {
	const masks = netmask.split(".").map(Number);
	if (masks[3] === 255 || masks[3] === 254) return undefined;
	return address
		.split(".")
		.map((byte, i) => Number(byte) | (~(masks[i] as number) & 255))
		.join(".");
}
