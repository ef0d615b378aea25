import {
	type Context,
	command,
	Failure,
	toJson,
	values,
} from "@sluice/cli-kit";
import { endpointText } from "@sluice/maps/address";
import {
	type Sid,
	type Tunnel,
	type Verify,
	verifyTable,
} from "@sluice/maps/tables";
import { openTunnelTables, rankOfSid, UNKNOWN } from "@sluice/tunnel";
import { guePing } from "@sluice/tunnel/wire";
import { remoteDocument, remoteText } from "../format.js";
import type { Target } from "../send-pings.js";
import { idOrAll, noTunnel } from "./get.js";

const DEFAULT_INTERVAL = 10;

export const ping = command({
	usage: "ping <id>|all",
	summary:
		"Send GUE pings, so that the far end learns this end's address; runs until stopped",
	positionals: { id: "Tunnel id, 0 to 4294967295, or all" },
	options: {
		interval: {
			type: "string",
			describe: `Seconds between two pings of a tunnel, 0.01 or more [default: ${DEFAULT_INTERVAL}]`,
		},
		count: {
			type: "string",
			describe: "Stop after so many pings of each tunnel",
		},
		open: {
			type: "boolean",
			describe: "Without a key: the far end must have its open-ping flag set",
		},
	},
	examples: [
		["ping 100 --count 1", "Tell the far end of tunnel 100 once"],
		["ping all --interval 5", "Keep every tunnel's NAT mapping open"],
	],
	parse: (args) => ({
		id: idOrAll(args.text("id")),
		interval: values.seconds(
			"interval",
			args.optional("interval") ?? String(DEFAULT_INTERVAL),
		),
		count: countOf(args.optional("count")),
		open: args.flag("open"),
	}),
	async run({ id, interval, count, open }, context) {
		const targets = targetsOf(context, id, open);
		// Loaded here: the other commands have no use for sockets, which are slow to load.
		const { sendPings } = await import("../send-pings.js");
		await sendPings(targets, interval, count, {
			sent: ({ target: { id: tunnel, tunnel: row, to }, number }) =>
				context.env.out(
					context.json
						? `${toJson({ tunnel, to: remoteDocument(row), number })}\n`
						: `PING\t${String(tunnel).padStart(8)}\t${to}\t${number}\n`,
				),
			failed: ({ message }) => context.warn(message),
			stopped: context.env.stopped?.(),
		});
	},
});

const countOf = (text: string | undefined) =>
	text === undefined
		? Number.POSITIVE_INFINITY
		: values.integer("count", text, 1, 0xffff_ffff);

function targetsOf(
	context: Context,
	id: number | "all",
	open: boolean,
): Target[] {
	const { tunnels } = openTunnelTables(context, { readOnly: true });
	if (id === "all") {
		const known = [...tunnels.entries()].filter(
			([, { remote }]) => remote !== UNKNOWN,
		);
		if (known.length === 0)
			throw new Failure("failed", "no tunnel has a remote to ping");
		const services = open ? undefined : servicesByTunnel(context);
		return known.map(([number, tunnel]) => target(number, tunnel, services));
	}
	const tunnel = tunnels.get(id);
	if (!tunnel) throw noTunnel(id);
	if (tunnel.remote === UNKNOWN)
		throw new Failure("failed", `tunnel ${id} has no remote to ping`, {
			hint: "set its ip-remote and port-remote",
		});
	return [target(id, tunnel, open ? undefined : servicesByTunnel(context))];
}

/** The service with the lowest ids of each tunnel: its key signs the pings. */
function servicesByTunnel(context: Context): Map<number, [Sid, Verify]> {
	const found = new Map<number, [Sid, Verify]>();
	const services = context.openTable(verifyTable, { readOnly: true });
	for (const [sid, verify] of services.entries()) {
		const best = found.get(verify.tunnel);
		if (!best || rankOfSid(sid) < rankOfSid(best[0]))
			found.set(verify.tunnel, [sid, verify]);
	}
	return found;
}

function target(
	id: number,
	tunnel: Tunnel,
	services: Map<number, [Sid, Verify]> | undefined,
): Target {
	const service = services?.get(id);
	if (services && !service)
		throw new Failure(
			"failed",
			`tunnel ${id} has no service whose key could prove who pings`,
			{ hint: "set one, or use --open" },
		);
	return {
		id,
		tunnel,
		from: endpointText(tunnel.local, tunnel.localPort),
		to: remoteText(tunnel),
		payload: guePing(id, service && { sid: service[0], key: service[1].key }),
	};
}
