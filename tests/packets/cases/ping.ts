import { Address } from "@sluice/maps/address";
import { eth } from "../../helpers/packet.js";
import { nodeIngress, type PacketCase, rx } from "../../helpers/packet-case.js";
import { tcp4, tcp4over6 } from "../services.js";
import { far, key, near, near6, port } from "../site.js";

/** A node behind a NAT: an address and a port that no table knows. */
const nat = "203.0.113.50";
const from = eth().ipv4(nat, near).udp(61234, port);
const learned = { tunnel: 100, remote: nat, remotePort: 61234 };
const unchanged = { tunnel: 100, remote: far, remotePort: port };

export const ping: PacketCase[] = [
	{
		title: "ping: in full",
		...nodeIngress,
		input: from.ping(tcp4, key, 100),
		outcome: "ping-learned",
		learned,
	},
	{
		title: "ping: by service",
		...nodeIngress,
		input: from.ping(tcp4, key),
		outcome: "ping-learned",
		learned,
	},
	{
		title: "ping: over IPv6",
		...nodeIngress,
		input: eth()
			.ipv6("2001:db8:50::50", near6)
			.udp(61234, port)
			.ping(tcp4over6, key, 106),
		outcome: "ping-learned",
		learned: { tunnel: 106, remote: "2001:db8:50::50", remotePort: 61234 },
	},
	{
		title: "ping: the port alone has changed",
		...nodeIngress,
		input: eth().ipv4(far, near).udp(6081, port).ping(tcp4, key, 100),
		outcome: "ping-learned",
		learned: { tunnel: 100, remote: far, remotePort: 6081 },
	},
	{
		title: "ping: the far end is where it was",
		...nodeIngress,
		input: eth().ipv4(far, near).udp(port, port).ping(tcp4, key, 100),
		outcome: "ping",
		learned: unchanged,
	},
	{
		title: "ping: in a frame padded to 60 bytes, open",
		direction: "ingress",
		flags: rx.openPing,
		input: eth()
			.ipv4(nat, near, { length: 36 })
			.udp(61234, port, { length: 16 })
			.openPing(100)
			.payload(Buffer.alloc(10)),
		outcome: "ping-learned",
		learned,
	},
	{
		title: "ping: open, with the flags of a key",
		direction: "ingress",
		flags: rx.openPing,
		input: from.openPing(100, 0xa000),
		outcome: "ping-learned",
		learned,
	},
	{
		title: "ping: open, with other flags",
		direction: "ingress",
		flags: rx.openPing,
		input: from.openPing(100, 0x8000),
		outcome: "ping-type",
		learned: unchanged,
	},
	{
		title: "ping: open, where that is not allowed",
		...nodeIngress,
		input: from.openPing(100),
		outcome: "ping-open",
		learned: unchanged,
	},
	{
		title: "ping: open, for no tunnel",
		direction: "ingress",
		flags: rx.openPing,
		input: from.openPing(4242),
		outcome: "ping-tunnel",
	},
	{
		title: "ping: for another tunnel than the service's",
		...nodeIngress,
		input: from.ping(tcp4, key, 103),
		outcome: "ping-tunnel",
		learned: unchanged,
	},
	{
		title: "ping: to another local end than the tunnel's",
		...nodeIngress,
		input: eth()
			.ipv6("2001:db8:50::50", near6)
			.udp(61234, port)
			.ping(tcp4, key, 100),
		outcome: "ping-tunnel",
		learned: unchanged,
	},
	{
		title: "ping: wrong key",
		direction: "ingress",
		flags: rx.openPing,
		input: from.ping(tcp4, "Pa55w0rd1234568", 100),
		outcome: "wrong-key",
		learned: unchanged,
	},
	{
		title: "ping: no such service",
		...nodeIngress,
		input: from.ping({ service: 2, group: 1 }, key, 100),
		outcome: "unknown-service",
		learned: unchanged,
	},
	{
		title: "ping: another control type",
		...nodeIngress,
		input: from.ping(tcp4, key, 100, 0x2602a000),
		outcome: "ping-type",
		learned: unchanged,
	},
	{
		title: "ping: of a length that is none of ours",
		...nodeIngress,
		input: from.ping(tcp4, key, 100, 0x2401a000),
		outcome: "ping-type",
		learned: unchanged,
	},
	{
		title: "ping: cut before its tunnel",
		...nodeIngress,
		input: from.ping(tcp4, key, undefined, 0x2601a000),
		outcome: "gue-header",
		learned: unchanged,
	},
	...[from.ping(tcp4, key), from.openPing(100)].map(
		(input, i): PacketCase => ({
			title: `ping: not signed, where a service of its tunnel requires that: ${i ? "open" : "with a key"}`,
			direction: "ingress",
			flags: rx.openPing,
			tables: ({ signedOnly }) => signedOnly.set(100, 1),
			input,
			outcome: "ping-unsigned",
			learned: unchanged,
		}),
	),
	{
		title: "ping: not signed, where services of another tunnel require that",
		...nodeIngress,
		tables: ({ signedOnly }) => signedOnly.set(106, 1),
		input: from.ping(tcp4, key),
		outcome: "ping-learned",
		learned,
	},
	locked("after the time without a ping", 1n, "ping-learned"),
	// As a ping that another CPU has taken meanwhile.
	locked("whose last ping is newer than this one", 1n << 63n, "ping-locked"),
];

/** A ping from elsewhere to a tunnel that only moves after a second without one. */
function locked(
	title: string,
	lastPing: bigint,
	outcome: PacketCase["outcome"],
): PacketCase {
	return {
		title: `ping: to a far end that is held, ${title}`,
		...nodeIngress,
		tables: ({ tunnel, options }) => {
			options.set(100, {
				within: Address.of("::"),
				withinBits: 0,
				moveAfter: 1,
				flags: 0,
			});
			const ends = {
				local: Address.of(near),
				localPort: port,
				remote: Address.of(far),
			};
			tunnel.set(100, { ...ends, remotePort: port, lastPing });
		},
		input: from.ping(tcp4, key),
		outcome,
		learned: outcome === "ping-learned" ? learned : unchanged,
	};
}
