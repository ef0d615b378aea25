import type { SocketInfo } from "@sluice/maps";
import { domains, type Protocol, protocols } from "@sluice/maps/tables";
import type { Destination } from "../state/destinations.js";

/** Whose socket it is to be: all of a destination but its label. */
export type Role = Omit<Destination, "label">;

/** What a socket can serve, or why it can serve nothing. */
export function roleOf(socket: SocketInfo): Role | { reason: string } {
	const domain = domainOf(socket);
	if (!domain) return { reason: "not an ipv4 or ipv6 socket" };
	const protocol = protocolOf(socket);
	if (!protocol) return { reason: "not a tcp or udp socket" };
	if (protocol === "tcp" && !socket.listening)
		return { reason: "not listening" };
	if (protocol === "udp" && socket.connected)
		return { reason: "connected to a peer" };
	if (domain === "ipv6" && !socket.v6Only)
		return {
			reason: "dual-stack: it must be for ipv6 only (set IPV6_V6ONLY)",
		};
	return { domain, protocol };
}

export function domainOf({ domain }: SocketInfo): Role["domain"] | undefined {
	if (domain === domains.ipv4) return "ipv4";
	return domain === domains.ipv6 ? "ipv6" : undefined;
}

export function protocolOf({
	type,
	protocol,
}: SocketInfo): Protocol | undefined {
	if (type === "stream" && protocol === protocols.tcp) return "tcp";
	if (type === "datagram" && protocol === protocols.udp) return "udp";
	return undefined;
}
