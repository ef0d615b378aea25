import { type Context, Failure } from "@sluice/cli-kit";
import { endpointText } from "@sluice/maps/address";
import {
	type Sid,
	signingTable,
	type Tunnel,
	tunnelTable,
	verifyTable,
} from "@sluice/maps/tables";
import { rankOfSid, UNKNOWN } from "@sluice/tunnel";
import { guePing } from "@sluice/tunnel/wire";
import { noTunnel } from "./commands/get.js";
import { remoteText } from "./format.js";

/** One tunnel to ping. */
export interface Target {
	id: number;
	tunnel: Tunnel;
	/** The two ends as text. */
	from: string;
	to: string;
	/** Signs its pings; undefined: they are not signed. */
	signing: { sid: Sid; key: Buffer } | undefined;
	/** A ping that is not signed. */
	plain: Buffer;
}

/** The tunnels to ping now, and those that cannot be pinged. */
export interface Targets {
	targets: Target[];
	problems: Failure[];
}

interface Credentials {
	sid: Sid;
	key: Buffer;
	signing: Buffer | undefined;
}

/** Reads rows and keys as they are now. @throws Failure environment: the tables are not there */
export function readTargets(
	context: Context,
	id: number | "all",
	open: boolean,
): Targets {
	const table = context.openTable(tunnelTable, { readOnly: true });
	const tunnels =
		id === "all"
			? [...table.entries()].filter(([, { remote }]) => !remote.equals(UNKNOWN))
			: [[id, table.get(id)] as const];
	table.close();
	const found: Targets = { targets: [], problems: [] };
	if (tunnels.length === 0)
		found.problems.push(
			new Failure("failed", "no tunnel has a remote to ping"),
		);
	const services = open
		? new Map<number, Credentials>()
		: servicesByTunnel(context);
	for (const [number, tunnel] of tunnels) {
		const problem = problemOf(number, tunnel, open || services.has(number));
		if (problem) found.problems.push(problem);
		else
			found.targets.push(
				target(number, tunnel as Tunnel, services.get(number)),
			);
	}
	return found;
}

function problemOf(
	id: number,
	tunnel: Tunnel | undefined,
	hasKey: boolean,
): Failure | undefined {
	if (!tunnel) return noTunnel(id);
	if (tunnel.remote.equals(UNKNOWN))
		return new Failure("failed", `tunnel ${id} has no remote to ping`, {
			hint: "set its ip-remote and port-remote",
		});
	return hasKey
		? undefined
		: new Failure(
				"failed",
				`tunnel ${id} has no service whose key could prove who pings`,
				{ hint: "set one, or use --open" },
			);
}

/** The service of each tunnel that proves who pings: the first with a signing key, else the first one. */
function servicesByTunnel(context: Context): Map<number, Credentials> {
	const signings = context.openTable(signingTable, { readOnly: true });
	const services = context.openTable(verifyTable, { readOnly: true });
	const keys = new Map(
		[...signings.entries()].map(([sid, { key }]) => [rankOfSid(sid), key]),
	);
	const found = new Map<number, Credentials>();
	for (const [sid, { tunnel, key }] of services.entries()) {
		const one = { sid, key, signing: keys.get(rankOfSid(sid)) };
		const best = found.get(tunnel);
		if (!best || isBefore(one, best)) found.set(tunnel, one);
	}
	signings.close();
	services.close();
	return found;
}

const isBefore = (a: Credentials, b: Credentials) =>
	(a.signing === undefined) === (b.signing === undefined)
		? rankOfSid(a.sid) < rankOfSid(b.sid)
		: a.signing !== undefined;

const target = (
	id: number,
	tunnel: Tunnel,
	service: Credentials | undefined,
): Target => ({
	id,
	tunnel,
	from: endpointText(tunnel.local, tunnel.localPort),
	to: remoteText(tunnel),
	signing: service?.signing && { sid: service.sid, key: service.signing },
	plain: guePing(id, service),
});
