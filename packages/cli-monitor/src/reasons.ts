import type { Kernel } from "@sluice/cli-kit";
import { fateOf, type Outcome, outcomes } from "@sluice/maps/tables";
import { reasons } from "@sluice/tunnel/reasons";

const PREFIX = "SKB_DROP_REASON_";
/** Names that are bounds, not reasons. */
const bounds = new Set(["MAX", "SUBSYS_MASK"]);

/** The reasons for which packets are dropped, each with its number. */
export interface ReasonNames {
	/** Ours, then the kernel's. */
	all: readonly string[];
	/** Of the running kernel, as `enum skb_drop_reason` has them. */
	kernel: ReadonlyMap<number, string>;
}

/** @throws BpfError ENOENT a kernel without BTF or without reasons (before 5.17). */
export function reasonNames({ kernelEnum }: Kernel): ReasonNames {
	const kernel = new Map<number, string>();
	for (const [number, name] of kernelEnum("skb_drop_reason")) {
		const word = name.startsWith(PREFIX)
			? name.slice(PREFIX.length)
			: undefined;
		if (word && !bounds.has(word)) kernel.set(number, word);
	}
	const ours = outcomes.filter((outcome) => fateOf(outcome) === "dropped");
	return { all: [...ours, ...kernel.values()], kernel };
}

/** A sentence that explains a reason; undefined for rare ones of the kernel. */
export const meaningOf = (reason: string): string | undefined =>
	reason in reasons ? reasons[reason as Outcome] : ofKernel[reason];

const ofKernel: Readonly<Record<string, string>> = {
	NOT_SPECIFIED:
		"the kernel gives no reason: among them packets that may not be forwarded (net.ipv4.ip_forward, net.ipv6.conf.all.forwarding)",
	NO_SOCKET: "no socket listens on the address and port",
	SOCKET_RCVBUFF: "the socket's receive buffer is full",
	NETFILTER_DROP: "a firewall rule drops it: see nft list ruleset",
	IP_RPFILTER:
		"rp_filter: the route back to its source leads through another interface, or there is none",
	IP_INADDRERRORS: "no route to its destination, or forwarding is off",
	IP_INNOROUTES: "no route to its destination: see ip route get",
	IP_OUTNOROUTES: "no route to its destination: see ip route get",
	IP_LOCAL_SOURCE: "its source is an address of this host (martian)",
	IP_INVALID_SOURCE: "its source is an address that no host has (martian)",
	IP_LOCALNET: "its source or destination is a loopback address (martian)",
	IP_INVALID_DEST: "its destination is an address that no host has (martian)",
	XFRM_POLICY: "an IPsec policy wants it encrypted: see ip xfrm policy",
	NEIGH_FAILED: "the next hop does not answer ARP or neighbour discovery",
	NEIGH_QUEUEFULL: "too many packets wait for the next hop to answer",
	OTHERHOST: "its Ethernet address is another host's",
	IP_CSUM: "the checksum of its IP header is wrong",
	TCP_CSUM: "its TCP checksum is wrong",
	UDP_CSUM: "its UDP checksum is wrong",
	PKT_TOO_BIG: "it does not fit the interface by which it leaves",
	QDISC_DROP: "the interface's queue is full",
	TC_INGRESS: "another tc filter drops it on ingress: see show_tc.sh",
	TC_EGRESS: "another tc filter drops it on egress: see show_tc.sh",
};
