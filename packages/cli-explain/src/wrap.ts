import { Failure } from "@sluice/cli-kit";
import { nanosecondsTai } from "@sluice/maps";
import { protocols, type Sid } from "@sluice/maps/tables";
import { tokenModeOf } from "@sluice/tunnel";
import {
	datagram,
	type End,
	flowToken,
	fragmentOf,
	framed,
	gueData,
	guePing,
	icmpError,
	ipPacket,
	sentEpoch,
} from "@sluice/tunnel/wire";
import type { LiveTables } from "./live-tables.js";
import type { Question } from "./question.js";

/** The packet at the interface, with the fields that the lookups depend on. */
interface Standing {
	frame: Buffer;
	/** A frame to run before it. */
	before?: Buffer | undefined;
	protocol: "tcp" | "udp";
	source: End;
	destination: End;
	/** The tunnel whose far end it may change. */
	learning: number | undefined;
}

/** Builds the packet to explain; fields of the tunnel packet that are not given are its service's. */
export function standing(question: Question, tables: LiveTables): Standing {
	const { packet, sid, ping } = question;
	const { protocol, source, destination } = packet;
	if (ping !== undefined) {
		const service = sid && { sid, key: keyFor(question, tables, sid) };
		return {
			frame: framed(datagram(source, destination, guePing(ping, service))),
			protocol,
			source,
			destination,
			learning: ping,
		};
	}
	const { inner, before } = innerOf(question);
	// An ICMP error belongs to the flow that it quotes, in its own direction.
	const flow = question.icmp
		? { source: destination, destination: source }
		: { source, destination };
	if (!sid)
		return {
			frame: framed(inner),
			before: before && framed(before),
			protocol,
			...flow,
			learning: undefined,
		};
	const outer = question.outer ?? endsOf(tables, sid);
	const tunnelled = (one: Buffer) =>
		framed(
			datagram(
				outer.source,
				outer.destination,
				gueData({ sid, key: fieldFor(question, tables, sid, flow) }, one),
			),
		);
	return {
		...outer,
		frame: tunnelled(inner),
		before: before && tunnelled(before),
		protocol: "udp",
		learning: undefined,
	};
}

/** The inner packet; a later fragment is preceded by its first one. */
function innerOf({ packet, fragment, icmp }: Question): {
	inner: Buffer;
	before?: Buffer;
} {
	const whole = ipPacket(packet);
	if (icmp) return { inner: icmpError(whole, icmp.router, icmp.mtu) };
	if (!fragment) return { inner: whole };
	const inner = fragmentOf(whole, fragment);
	return fragment === "later"
		? { inner, before: fragmentOf(whole, "first") }
		: { inner };
}

/** The key given, else the service's own. */
function keyFor({ key }: Question, { verify }: LiveTables, sid: Sid): Buffer {
	const found = key ?? verify.get(sid)?.key;
	if (found) return found;
	throw new Failure("missing", `no service ${sid.service} ${sid.group}`, {
		hint: "say with --key and --outer what such a packet would have",
	});
}

/** The given key, else the key of the service, or a token if its tunnel requires one. */
function fieldFor(
	question: Question,
	tables: LiveTables,
	sid: Sid,
	{ source, destination }: { source: End; destination: End },
): Buffer {
	const key = keyFor(question, tables, sid);
	const tunnel = tables.verify.get(sid)?.tunnel;
	const options = tunnel === undefined ? tunnel : tables.options.get(tunnel);
	const signing = tables.signing.get(sid)?.key;
	if (question.key || !options || !signing) return key;
	if (tokenModeOf(options) !== "require") return key;
	const proto = protocols[question.packet.protocol];
	return flowToken(
		signing,
		sid,
		{
			source: { ...source, proto },
			destination: { ...destination, proto },
		},
		sentEpoch(nanosecondsTai()),
	);
}

/** The outer header of packets that arrive in a service's tunnel. */
function endsOf(
	{ verify, tunnel }: LiveTables,
	sid: Sid,
): { source: End; destination: End } {
	const id = verify.get(sid)?.tunnel;
	const row = id === undefined ? undefined : tunnel.get(id);
	if (row && row.remotePort !== 0)
		return {
			source: { address: row.remote, port: row.remotePort },
			destination: { address: row.local, port: row.localPort },
		};
	throw new Failure(
		"missing",
		id === undefined
			? `no service ${sid.service} ${sid.group}`
			: `the tunnel ${id} of service ${sid.service} ${sid.group} has no remote`,
		{ hint: "say the outer header with --outer SRC:PORT,DST:PORT" },
	);
}
