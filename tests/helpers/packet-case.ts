import type { Direction, Outcome } from "@sluice/maps/tables";
import type { Packet } from "./packet.js";
import type { TunnelTables } from "./programs.js";
import type { Verdict } from "./run-packet.js";
import type { ServiceRow, TunnelRow } from "./services.js";

/** One packet through one program. Written out in full: nothing of it comes from the code under test. */
export interface PacketCase {
	title: string;
	direction: Direction;
	/** Of the config row for every interface; none: there is no such row. */
	flags?: number;
	/** Written to the tables before. */
	tables?: (tables: TunnelTables) => void;
	/** Packets that went before it, in the same direction. */
	before?: readonly Packet[];
	/** On the interface with MTU 1500; without it on loopback. */
	onLink?: boolean;
	/** Bytes of data in a segment, where it is a super-packet. */
	gsoSize?: number;
	/** Whether the host forwards packets, or on lo alone; it does when not given. */
	forwarding?: boolean | "lo";
	/** As many size answers were given as may be. */
	answersUsedUp?: boolean;
	input: Packet;
	/** None: as it came. Not looked at where the packet is dropped. */
	output?: Packet;
	/** None: the one that the outcome stands for. */
	verdict?: Verdict;
	outcome: Outcome;
	/** What TABLE-TUNNEL says of a far end afterwards; all else in the tables is as before. */
	learned?: { tunnel: number; remote: string; remotePort: number };
}

export const rx = {
	dnat: 2,
	dump: 8,
	openPing: 32,
	fast: 64,
	local: 128,
	peer: 256,
} as const;
export const tx = { proxy: 1, snat: 2, dump: 8, fib: 16 } as const;

export const key = "Pa55w0rd1234567";
export const client = "192.0.2.7";
export const client6 = "2001:db8:7::7";
/** The near and far end of tunnel 100; 106 is the same over IPv6. */
export const near = "172.16.0.4";
export const far = "172.16.0.9";
export const near6 = "fd16::4";
export const far6 = "fd16::9";
export const port = 6080;

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

export const tunnels: readonly TunnelRow[] = [
	tunnel(100, near, far),
	tunnel(106, near6, far6),
	{ ...tunnel(101, near, "::"), remotePort: 0 },
	tunnel(102, near, far6),
	tunnel(103, "10.1.1.1", "10.1.1.2"),
	tunnel(104, "10.1.1.1", "10.1.1.3"),
	tunnel(105, near, "198.51.100.1"),
	tunnel(107, "10.1.1.1", "172.17.0.9"),
];

function tunnel(id: number, local: string, remote: string): TunnelRow {
	return { id, local, localPort: port, remote, remotePort: port };
}

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
