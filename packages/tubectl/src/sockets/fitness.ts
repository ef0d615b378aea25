import type { SocketInfo } from "@sluice/maps";
import { domains, type Protocol, protocols } from "@sluice/maps/tables";
import type { Destination } from "../state/destinations.js";

/** Whose socket it is to be: all of a destination but its label. */
export type Role = Omit<Destination, "label">;

/** A socket, and the inode of its network namespace. */
export interface Candidate {
	info: SocketInfo;
	namespace: number;
}

/** What a socket can serve in a dispatcher's network namespace, or why it can serve nothing. */
export function roleOf(
	{ info: socket, namespace }: Candidate,
	dispatcher: number,
): Role | { reason: string } {
	const domain = domainOf(socket);
	if (!domain) return { reason: "not an ipv4 or ipv6 socket" };
	if (namespace !== dispatcher)
		return {
			reason: `in network namespace ${namespace}, the dispatcher in ${dispatcher}`,
		};
	if (isMptcp(socket))
		return { reason: "an MPTCP socket: it must be created as plain TCP" };
	const protocol = protocolOf(socket);
	if (!protocol) return { reason: "not a tcp or udp socket" };
	if (socket.device !== 0)
		return { reason: "bound to a device (SO_BINDTODEVICE)" };
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

const IPPROTO_MPTCP = 262;

export const isMptcp = ({ protocol }: SocketInfo) => protocol === IPPROTO_MPTCP;

export function protocolOf({
	type,
	protocol,
}: SocketInfo): Protocol | undefined {
	if (type === "stream" && protocol === protocols.tcp) return "tcp";
	if (type === "datagram" && protocol === protocols.udp) return "udp";
	return undefined;
}
