import { badInput, values } from "@sluice/cli-kit";
import type { Path } from "@sluice/document";
import type { Address } from "@sluice/maps/address";
import { addressKind } from "@sluice/tunnel";
import type { Reader } from "./reader.js";

/** An address and a port. */
interface SocketAddress {
	address: Address;
	port: number;
}

/** "1.2.3.4:80" or "[::1]:80"; the port is not 0. */
export function socketAddress(name: string, text: string): SocketAddress {
	const colon = text.lastIndexOf(":");
	const host = text.slice(0, Math.max(colon, 0));
	const isBracketed = host.startsWith("[") && host.endsWith("]");
	if (colon < 0 || (host.includes(":") && !isBracketed))
		throw badInput(
			`${name} must be ADDRESS:PORT, or [ADDRESS]:PORT with IPv6, got "${text}"`,
		);
	return {
		address: values.address(name, isBracketed ? host.slice(1, -1) : host),
		port: values.integer(`port of ${name}`, text.slice(colon + 1), 1, 65_535),
	};
}

export const isV6 = ({ address }: SocketAddress) => !address.isIpv4;

/** Refuses an address that no other host can have. @param allowed a kind that is accepted */
export function refuseKind(
	reader: Reader,
	path: Path,
	key: string,
	address: Address,
	allowed?: ReturnType<typeof addressKind>,
): void {
	const kind = addressKind(address);
	if (kind && kind !== allowed)
		reader.wrong(
			[...path, key],
			`must be an address of a host, got the kind ${kind}`,
		);
}
