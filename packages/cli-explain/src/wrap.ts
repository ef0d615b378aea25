import { Failure } from "@sluice/cli-kit";
import type { Sid } from "@sluice/maps/tables";
import {
	datagram,
	type End,
	framed,
	gueData,
	guePing,
	ipPacket,
} from "@sluice/tunnel/wire";
import type { LiveTables } from "./live-tables.js";
import type { Question } from "./question.js";

/** The packet as it stands on the interface, and what the program will go by. */
export interface Standing {
	frame: Buffer;
	protocol: "tcp" | "udp";
	source: End;
	destination: End;
	/** The tunnel whose far end it may change. */
	learning: number | undefined;
}

/** Makes the packet that is asked about; what is not said of a tunnel packet is as its service has it. */
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
	const inner = ipPacket(packet);
	if (!sid)
		return {
			frame: framed(inner),
			protocol,
			source,
			destination,
			learning: undefined,
		};
	const outer = question.outer ?? endsOf(tables, sid);
	return {
		...outer,
		frame: framed(
			datagram(
				outer.source,
				outer.destination,
				gueData({ sid, key: keyFor(question, tables, sid) }, inner),
			),
		),
		protocol: "udp",
		learning: undefined,
	};
}

/** The key given, else the service's own. */
function keyFor({ key }: Question, { verify }: LiveTables, sid: Sid): Buffer {
	const found = key ?? verify.get(sid)?.key;
	if (found) return found;
	throw new Failure("missing", `no service ${sid.service} ${sid.group}`, {
		hint: "say with --key and --outer what such a packet would have",
	});
}

/** The outer header of what comes in by a service's tunnel. */
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
