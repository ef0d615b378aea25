import { BlockList, isIPv4, isIPv6 } from "node:net";

/** A packet as a firewall sees it. What is undefined is not known. */
export interface Packet {
	family: "ip" | "ip6";
	proto: "tcp" | "udp";
	state: "new" | "established" | "invalid";
	saddr?: string;
	daddr?: string;
	sport?: number;
	dport?: number;
	iifname?: string;
	oifname?: string;
}

/** Whether a packet matches; undefined: unknown. */
export function matches(match: unknown, packet: Packet): boolean | undefined {
	const { op, left, right } = match as {
		op: string;
		left: Record<string, Record<string, string>>;
		right: unknown;
	};
	const value = fieldOf(left, packet);
	if (value === undefined) return undefined;
	if (value === OTHER) return false;
	const isIn = contains(right, value);
	if (isIn === undefined) return undefined;
	return op === "!=" ? !isIn : op === "==" || op === "in" ? isIn : undefined;
}

/** Of a field that this packet does not have. */
const OTHER = Symbol("of another protocol");

function fieldOf(
	left: Record<string, Record<string, string>>,
	packet: Packet,
): string | number | undefined | typeof OTHER {
	const { payload, meta, ct } = left;
	if (payload) {
		const { protocol, field } = payload;
		if (protocol === "ip" || protocol === "ip6") {
			if (protocol !== packet.family) return OTHER;
			if (field === "protocol" || field === "nexthdr") return packet.proto;
			return field === "saddr" || field === "daddr" ? packet[field] : undefined;
		}
		if (protocol === "tcp" || protocol === "udp" || protocol === "th") {
			if (protocol !== "th" && protocol !== packet.proto) return OTHER;
			return field === "sport" || field === "dport" ? packet[field] : undefined;
		}
		return protocol === "icmp" || protocol === "icmpv6" ? OTHER : undefined;
	}
	switch (meta?.key) {
		case "l4proto":
			return packet.proto;
		case "nfproto":
			return packet.family === "ip" ? "ipv4" : "ipv6";
		case "iifname":
		case "iif":
			return packet.iifname;
		case "oifname":
		case "oif":
			return packet.oifname;
	}
	return ct?.key === "state" ? packet.state : undefined;
}

function contains(right: unknown, value: string | number): boolean | undefined {
	if (Array.isArray(right)) return some(right, value);
	if (typeof right === "object" && right !== null) {
		const { set, range, prefix } = right as {
			set?: unknown[];
			range?: [number | string, number | string];
			prefix?: { addr: string; len: number };
		};
		if (set) return some(set, value);
		if (range && typeof value === "number")
			return Number(range[0]) <= value && value <= Number(range[1]);
		if (prefix && typeof value === "string") {
			if (isIPv4(prefix.addr) !== isIPv4(value)) return false;
			const list = new BlockList();
			const family = isIPv6(value) ? "ipv6" : "ipv4";
			list.addSubnet(prefix.addr, prefix.len, family);
			return list.check(value, family);
		}
		return undefined;
	}
	if (typeof right === "string") {
		// A named set: its elements are elsewhere.
		if (right.startsWith("@")) return undefined;
		if (right.endsWith("*"))
			return String(value).startsWith(right.slice(0, -1));
	}
	return String(right) === String(value);
}

function some(
	list: readonly unknown[],
	value: string | number,
): boolean | undefined {
	const each = list.map((one) => contains(one, value));
	if (each.includes(true)) return true;
	return each.includes(undefined) ? undefined : false;
}
