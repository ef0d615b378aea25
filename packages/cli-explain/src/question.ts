import { type Args, badInput, type Env, values } from "@sluice/cli-kit";
import type { Address } from "@sluice/maps/address";
import type { Protocol, Sid } from "@sluice/maps/tables";
import { type End, headerSize, type PacketSpec } from "@sluice/tunnel/wire";
import { endOf } from "./endpoint.js";

/** The packet to explain, and its hook. */
export interface Question {
	device: string;
	direction: "ingress" | "egress";
	packet: PacketSpec;
	/** The packet is inside a tunnel packet of this service. */
	sid?: Sid | undefined;
	/** The tunnel packet is a ping for this tunnel. */
	ping?: number | undefined;
	/** The packet is a fragment; a later one is run after its first. */
	fragment?: "first" | "later" | undefined;
	/** The packet is the ICMP error of a router about the one described. */
	icmp?: { router: Address; mtu: number | undefined } | undefined;
	/** In place of the service's own. */
	key?: Buffer | undefined;
	/** In place of the tunnel's own. */
	outer?: { source: End; destination: End } | undefined;
	object?: string | undefined;
}

/** BPF_PROG_TEST_RUN takes packets of up to a page, with the headroom and tailroom that it adds. */
const LARGEST = 3500;

/** @throws Failure usage */
export function questionOf(args: Args, env: Env): Question {
	const protocol = values.protocol("proto", needed(args, "proto"));
	const source = endOf("source", args.text("source"));
	const destination = endOf("destination", args.text("destination"));
	if (source.address.isIpv4 !== destination.address.isIpv4)
		throw badInput("source and destination must be of one family");
	const sid = gueOf(args.optional("gue"));
	const ping = args.optional("ping");
	const packet = packetOf(args, { protocol, source, destination });
	if (ping !== undefined && protocol !== "udp")
		throw badInput("a ping is udp: --proto must be udp");
	return {
		device: needed(args, "dev"),
		direction: directionOf(needed(args, "dir")),
		packet,
		sid,
		ping: ping === undefined ? undefined : values.u32("ping", ping),
		fragment: fragmentWord(args.optional("fragment")),
		icmp: icmpOf(args, source.address),
		key: keyOf(args, env, sid),
		outer: outerOf(args.optional("outer"), sid),
		object: args.optional("object"),
	};
}

function fragmentWord(text: string | undefined): Question["fragment"] {
	if (text === undefined || text === "first" || text === "later") return text;
	throw badInput(`fragment must be first or later, got "${text}"`);
}

function icmpOf(args: Args, source: Address): Question["icmp"] {
	const router = args.optional("icmp");
	const mtu = args.optional("mtu");
	if (router === undefined) {
		if (mtu !== undefined) throw badInput("--mtu is what --icmp reports");
		return undefined;
	}
	if (args.flag("syn") || args.optional("fragment") !== undefined)
		throw badInput(
			"--icmp quotes a packet that is neither --syn nor --fragment",
		);
	const address = values.address("icmp", router);
	if (address.isIpv4 !== source.isIpv4)
		throw badInput("icmp must be of the endpoints' family");
	return {
		router: address,
		mtu: mtu === undefined ? undefined : values.integer("mtu", mtu, 68, 65_535),
	};
}

function needed(args: Args, name: string): string {
	const value = args.optional(name);
	if (value === undefined) throw badInput(`--${name} is needed`);
	return value;
}

function packetOf(
	args: Args,
	ends: { protocol: Protocol; source: End; destination: End },
): PacketSpec {
	const syn = args.flag("syn");
	if (syn && ends.protocol !== "tcp") throw badInput("--syn is for tcp");
	const size = args.optional("size");
	const least = headerSize({ ...ends, syn });
	return {
		...ends,
		syn,
		size:
			size === undefined
				? undefined
				: values.integer("size", size, least, LARGEST),
	};
}

function directionOf(text: string): Question["direction"] {
	if (text === "ingress" || text === "egress") return text;
	throw badInput(`dir must be ingress or egress, got "${text}"`);
}

const gueOf = (text: string | undefined) =>
	text === undefined ? undefined : values.sid("gue", text);

function keyOf(args: Args, env: Env, sid: Sid | undefined): Buffer | undefined {
	const text = args.optional("key");
	if (text === undefined) return undefined;
	if (!sid)
		throw badInput(
			"--key is the key of a tunnel packet: name its service with --gue",
		);
	return values.key("key", text === "-" ? env.input().trimEnd() : text);
}

function outerOf(
	text: string | undefined,
	sid: Sid | undefined,
): Question["outer"] {
	if (text === undefined) return undefined;
	if (!sid)
		throw badInput(
			"--outer is for a tunnel packet: name its service with --gue",
		);
	const [source, destination, ...more] = text.split(",");
	if (!source || !destination || more.length > 0)
		throw badInput(`outer must be SRC:PORT,DST:PORT, got "${text}"`);
	return {
		source: endOf("outer source", source),
		destination: endOf("outer destination", destination),
	};
}
