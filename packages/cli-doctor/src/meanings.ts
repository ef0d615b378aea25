import type { Outcome } from "@sluice/maps/tables";

const COMPARE =
	'is it the same on the other end? compare "cli_service get all --show-keys" of both';
const DUMP =
	'which packets are they? "cli_cfg dump" shows those of a hook with the flag dump';

/** Outcomes of lost traffic: their meaning, and the next step. The check of config rows reports `no-config`. */
export const meanings: Readonly<
	Partial<Record<Outcome, readonly [what: string, question: string]>>
> = {
	malformed: ["headers that do not fit together, passed on untouched", DUMP],
	"fragment-before-first": [
		"later fragments whose first was not seen, passed on untouched",
		"does a router on the way reorder or lose fragments?",
	],
	"gue-version": ["another version of GUE than 0", `who sends them? ${DUMP}`],
	"gue-header": ["a GUE header that is not ours, or is cut", DUMP],
	"gue-length": ["the lengths of IP, UDP and GUE disagree", DUMP],
	"inner-version": ["the inner packet is not what GUE's header says", DUMP],
	"inner-length": ["the inner packet does not fit into the outer one", DUMP],
	"unknown-service": [
		"tunnel packets of a service that is not set here",
		`are the service's ids right? ${COMPARE}`,
	],
	"wrong-key": ["tunnel packets with another key than the service's", COMPARE],
	"foreign-inner": [
		"tunnel packets whose inner packet is not to or from the service's backend",
		`is the backend, address and port, the same on the other end? ${COMPARE}`,
	],
	"inner-fragment": [
		"later fragments in the tunnel whose first was not seen",
		"does a router on the way reorder or lose fragments?",
	],
	"congestion-lost": [
		"marked as congested on the way, but their flow does not use ECN",
		"does a router on the way set ECN bits where it must not?",
	],
	merged: [
		"several tunnel packets merged into one by UDP GRO",
		"which interface merges them? ethtool -K INTERFACE rx-udp-gro-forwarding off",
	],
	"decap-failed": ["the kernel refused to strip the outer header", DUMP],
	"ping-type": ["control messages that are not pings of ours", DUMP],
	"ping-open": [
		"pings without a key, which the flag open-ping would allow",
		'does the node run "cli_tunnel ping" with --open?',
	],
	"ping-mac": [
		"pings whose signature is wrong, or whose service has no signing key here",
		"do both ends have the same --signing-key?",
	],
	"ping-time": [
		"signed pings whose time is more than 60 s from this machine's, or that were recorded and sent again",
		"is the clock of both ends right? compare chronyc tracking",
	],
	"ping-unsigned": [
		"unsigned pings, where --require-signed refuses them",
		"does the node have the service's --signing-key?",
	],
	"ping-locked": [
		"pings that would move a tunnel's far end to where, or when, it may not be moved",
		"has the node moved? see --move-within and --move-after of the tunnel",
	],
	token: [
		"packets without a valid token in a tunnel that requires tokens, or of a service without a signing key",
		'do both ends have the same --signing-key, "cli_tunnel set --token send" or "require", and clocks that agree? "cli_tunnel ping" shows the difference',
	],
	"ping-tunnel": [
		"pings for a tunnel that is not set here, or is not their service's, or has another local endpoint",
		'are tunnel id and endpoints right? compare "cli_tunnel get all" of both ends',
	],
	"no-tunnel": [
		"packets of a service whose tunnel is not set",
		'is its tunnel id right? "cli_tunnel get all" shows those that are set',
	],
	"no-remote": [
		"packets for a tunnel whose remote is not known yet",
		'does "cli_tunnel ping" run on the node, and does its UDP reach this machine?',
	],
	"tunnel-family": [
		"packets for a tunnel with one IPv4 and one IPv6 end",
		'which end is wrong? "cli_tunnel get all"',
	],
	"too-big": [
		"packets that do not fit into the tunnel, answered with ICMP",
		"do senders receive ICMP, or does a firewall drop it?",
	],
	"too-big-silent": [
		"packets that do not fit into the tunnel, not answered with ICMP",
		"who sends them? there are at most 1000 ICMP answers a second",
	],
	"no-route": [
		"packets for a tunnel whose remote has no route",
		'which router leads there? "ip route get REMOTE"',
	],
	"encap-failed": [
		"the kernel refused to make room for the outer header",
		DUMP,
	],
	"nat-failed": ["the kernel refused to rewrite an address or a port", DUMP],
};
