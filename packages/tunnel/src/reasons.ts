import type { Outcome } from "@sluice/maps/tables";

/** Each outcome in a sentence: its cause, and the next step where there is one. */
export const reasons: Readonly<Record<Outcome, string>> = {
	"no-config":
		"no config row for the interface and direction: the program does nothing",
	"not-ip": "neither IPv4 nor IPv6",
	"not-ours": "no table knows it: the next filter decides, then the stack",
	malformed: "malformed headers: passed on to the stack",
	"plain-gue": "GUE without a sid and a key, which is not ours",
	"outer-fragment": "a fragment of a tunnel packet: passed on for reassembly",
	"fragment-before-first":
		"a later fragment whose first one, which has the ports, was not seen",
	decapsulated:
		"the key is right: the outer header is removed, and the inner packet continues up the stack",
	encapsulated: "it goes into the tunnel",
	dnat: "its destination, a proxy endpoint, became the backend",
	snat: "its source, a backend, became the proxy endpoint",
	ping: "a valid ping: the tunnel's remote is unchanged",
	"ping-learned": "a valid ping: the tunnel's remote becomes its sender",
	"gue-version": "another GUE version than 0",
	"gue-header": "a GUE header that is not ours, or is truncated",
	"gue-length": "the lengths of IP, UDP and GUE disagree",
	"inner-version": "the inner packet is not of the protocol in the GUE header",
	"inner-length": "the inner packet does not fit",
	"unknown-service": "no service has this service and group id",
	"wrong-key": "the key is not the service's",
	"foreign-inner":
		"the inner packet is not to the service's backend (at a node) or from it (at a gateway)",
	"inner-fragment": "a later fragment inside, whose first one was not seen",
	"congestion-lost":
		"marked for congestion on the way, but its flow does not know such marks",
	merged: "several tunnel packets in one: UDP GRO has merged them",
	"decap-failed": "the kernel refused to remove the outer header",
	"ping-type": "a control message that is not a ping of ours",
	"ping-open": "a ping without a key, which the flag open-ping would allow",
	"ping-tunnel":
		"a ping for a tunnel that is not set, is not its service's, or has another local endpoint",
	"no-tunnel": "its service's tunnel is not set: see cli_tunnel get all",
	"no-remote":
		"the far end of its tunnel is not known yet: it must ping, or be set by cli_tunnel set",
	"tunnel-family": "one end of the tunnel is IPv4 and the other IPv6",
	"too-big":
		"it does not fit with the outer header: its sender gets an ICMP error with the MTU",
	"too-big-silent":
		"it does not fit with the outer header, and no ICMP error may be sent",
	"no-route": "no route to the tunnel's remote: see ip route get",
	"encap-failed": "the kernel refused to make room for the outer header",
	"nat-failed":
		"the two ends of the translation are not of one family, or its checksum could not be written",
	"inner-backend":
		"the inner packet is a reply to another service's backend, whose tunnel it would enter",
	"inner-local":
		"the inner packet is a reply to this host itself, which the flag local would allow, or to nowhere",
	"ping-source":
		"a valid ping from where no far end can be: port 0, or an address that is not another host's, or has no route",
	"ping-signed": "a signed ping: the tunnel's far end is unchanged",
	"ping-signed-learned":
		"a signed ping with its challenge: its sender is now the tunnel's far end",
	"ping-challenged":
		"a signed ping from a new address, answered with a challenge: the next ping carries it and moves the far end",
	"ping-answer": "the answer to a signed ping of this host's",
	"ping-mac":
		"a ping whose signature is wrong, or whose service has no signing key here",
	"ping-time":
		"a signed ping whose time is more than 60 s from this host's, or not newer than the last one's",
	"ping-unsigned": "an unsigned ping, where --require-signed refuses it",
	"ping-locked":
		"a ping that would move the far end to where, or when, --move-within or --move-after forbids it",
	token:
		"a tunnel that requires tokens: the packet has none that is valid for its flow now, or there is no signing key to make one",
	"service-gone":
		"it was translated at ingress, and its service was deleted meanwhile: it would leave in the clear",
	"path-mtu":
		"a router on a tunnel's path has reported its MTU, which then holds for ten minutes",
	vlan: "the frame belongs to a VLAN, of which this is the parent interface: attach to the VLAN's interface",
	"other-host":
		"the frame is for another host's Ethernet address, or for several hosts",
	"bad-checksum":
		"the checksum of its IP header, or of the tunnel packet's UDP, is wrong: the kernel drops it",
};

/** Reasons of packets for which ingress has done the work of egress, too. */
const fast: Partial<Record<Outcome, string>> = {
	dnat: "its destination, a proxy endpoint, became the backend, and it is encapsulated: the fast path",
	decapsulated:
		"the key is right: the outer header is removed, its source became the proxy endpoint, and it is sent to the client: the fast path",
};

/** @param redirected whether the packet is sent on by the program itself */
export const reasonOf = (outcome: Outcome, redirected: boolean): string =>
	(redirected ? fast[outcome] : undefined) ?? reasons[outcome];
