import type { ServiceRow } from "../helpers/services.js";
import { key } from "./site.js";

/** Services in every case, named by what they carry; the backends are in 1.1.1.0/24 and 2001:db8:1::/64. */
export const tcp4 = service(1, 2, "tcp", "5.5.5.5", "1.1.1.1", 100);
export const udp4 = service(1, 3, "udp", "5.5.5.5", "1.1.1.1", 100);
export const tcp6 = service(3, 4, "tcp", "2001:db8:5::5", "2001:db8:1::1", 100);
export const udp6 = service(3, 5, "udp", "2001:db8:5::5", "2001:db8:1::1", 100);
/** Through the tunnel over IPv6. */
export const tcp4over6 = service(7, 1, "tcp", "5.5.5.7", "1.1.1.7", 106);
export const tcp6over6 = service(
	7,
	2,
	"tcp",
	"2001:db8:5::7",
	"2001:db8:1::7",
	106,
);
/** The far end of their tunnel is not known. */
export const waiting = service(5, 6, "tcp", "5.5.5.6", "1.1.1.6", 101);
/** There is no such tunnel. */
export const homeless = service(5, 7, "tcp", "5.5.5.8", "1.1.1.8", 999);
/** One end of its tunnel is IPv4, the other IPv6. */
export const torn = service(5, 8, "tcp", "5.5.5.9", "1.1.1.9", 102);
/** The neighbour at the far end of its tunnel is known. */
export const routed = service(8, 1, "tcp", "5.5.5.10", "1.1.1.10", 103);
/** The tunnel's far end is on the link, but its neighbour entry is not resolved. */
export const unresolved = service(8, 2, "tcp", "5.5.5.11", "1.1.1.11", 104);
/** The route to its tunnel's far end has a locked MTU of 1300, and its next hop is not known. */
export const locked = service(8, 4, "tcp", "5.5.5.14", "1.1.1.14", 107);
/** Nothing leads to its tunnel's far end. */
export const nowhere = service(8, 3, "tcp", "5.5.5.12", "1.1.1.12", 105);
/** The proxy is IPv4 and the backend IPv6. */
export const crossed = service(9, 1, "tcp", "5.5.5.13", "2001:db8:1::13", 100);
/** Proxy and backend have the same sum, so a checksum does not show the new address. */
const sameSum = ["5.5.6.6", "6.6.5.5"] as const;
const tcpSameSum = service(9, 2, "tcp", ...sameSum, 100);
const udpSameSum = service(9, 3, "udp", ...sameSum, 100);

export const services: readonly ServiceRow[] = [
	...[tcp4, udp4, tcp6, udp6, tcp4over6, tcp6over6, waiting, homeless, torn],
	...[routed, unresolved, locked, nowhere, crossed, tcpSameSum, udpSameSum],
];

function service(
	id: number,
	group: number,
	proto: "tcp" | "udp",
	proxy: string,
	backend: string,
	tunnelId: number,
): ServiceRow {
	return {
		...{ service: id, group, proto, tunnel: tunnelId, key },
		...{ proxy, proxyPort: 3100, backend, backendPort: 4000 },
	};
}
