import type { Direction, Outcome } from "@sluice/maps/tables";
import type { Packet } from "./packet.js";
import type { TunnelTables } from "./programs.js";
import type { Verdict } from "./run-packet.js";

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
	/** The remote in TABLE-TUNNEL afterwards; all other rows are unchanged. */
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

/** The hooks of most cases: ingress of a node and of a gateway, egress of a gateway. */
export const nodeIngress = { direction: "ingress", flags: 0 } as const;
export const gatewayIngress = { direction: "ingress", flags: rx.dnat } as const;
export const gatewayEgress = { direction: "egress", flags: tx.proxy } as const;
