import { Address } from "@sluice/maps/address";
import {
	type Endpoint,
	protocols,
	type Sid,
	type Tunnel,
	type TunnelOptions,
} from "@sluice/maps/tables";
import { sameEndpoint, sameSid } from "./endpoint.js";
import type { TunnelTables } from "./tables.js";

/** A remote that is not known yet. */
export const UNKNOWN = Address.of("::");

/** A tunnel as `set` takes it; a remote of `::` and port 0 is learned from pings. */
export type TunnelSpec = Omit<Tunnel, "lastPing"> & {
	/** What may move the far end; undefined: any ping. */
	options?: TunnelOptions | undefined;
};

/** The sid under which a tunnel's pings without a service are counted. A service's counters are deleted with it. */
const NO_SERVICE: Sid = { service: 0, group: 0 };

/** The endpoint on which a tunnel's packets arrive. */
export const localEndpoint = (
	tunnel: Pick<Tunnel, "local" | "localPort">,
): Endpoint => ({
	address: tunnel.local,
	port: tunnel.localPort,
	proto: protocols.udp,
});

/**
 * Creates or overwrites a tunnel and counts its local endpoint. A remote that was learned stays while the local
 * endpoint does, unless `resetRemote`. If nothing differs, it writes nothing.
 *
 * @param tables without `decap`, local endpoints are not counted: for many tunnels, `countAgain` takes less time
 * @returns the tunnel as it now is
 */
export function setTunnel(
	tables: Omit<TunnelTables, "decap"> & Partial<TunnelTables>,
	id: number,
	spec: TunnelSpec,
	resetRemote = false,
): Tunnel {
	const old = tables.tunnels.get(id);
	if (spec.options) tables.options.set(id, spec.options);
	else tables.options.delete(id);
	// A new tunnel, and one whose remote is forgotten, has no time of a last signed ping.
	if (resetRemote || !old) tables.pingTimes.delete(id);
	const local = localEndpoint(spec);
	const stays = old !== undefined && sameEndpoint(localEndpoint(old), local);
	const tunnel =
		stays && spec.remote.equals(UNKNOWN) && !resetRemote ? old : fresh(spec);
	if (stays) {
		if (sameRemote(old, tunnel)) return old;
		tables.tunnels.set(id, tunnel);
		return tunnel;
	}
	tables.tunnels.set(id, tunnel);
	count(tables, local, +1);
	if (old) count(tables, localEndpoint(old), -1);
	return tunnel;
}

/** A tunnel without a ping; field by field, for that is quicker, and there may be a hundred thousand. */
const fresh = ({
	local,
	localPort,
	remote,
	remotePort,
}: TunnelSpec): Tunnel => ({
	local,
	localPort,
	remote,
	remotePort,
	lastPing: 0n,
});

const sameRemote = (a: Tunnel, b: Tunnel) =>
	a.remote.equals(b.remote) &&
	a.remotePort === b.remotePort &&
	(a.lastPing === b.lastPing || !b.remote.equals(UNKNOWN));

/**
 * Deletes a tunnel and its reference to the local endpoint.
 * @returns whether there was one
 */
export function deleteTunnel(tables: TunnelTables, id: number): boolean {
	const old = tables.tunnels.get(id);
	if (!old) return false;
	count(tables, localEndpoint(old), -1);
	tables.tunnels.delete(id);
	tables.options.delete(id);
	tables.pingTimes.delete(id);
	tables.traffic.delete({ tunnel: id, sid: NO_SERVICE, direction: "ingress" });
	return true;
}

/** Deletes every tunnel, and returns their ids. */
export function deleteAllTunnels(tables: TunnelTables): number[] {
	const ids = [...tables.tunnels.entries()].map(([id]) => id);
	tables.decap.deleteMany([...tables.decap.entries()].map(([key]) => key));
	tables.tunnels.deleteMany(ids);
	for (const table of [tables.options, tables.pingTimes])
		table.deleteMany([...table.entries()].map(([id]) => id));
	tables.traffic.deleteMany(
		[...tables.traffic.entries()]
			.map(([key]) => key)
			.filter(({ sid }) => sameSid(sid, NO_SERVICE)),
	);
	return ids.sort((a, b) => a - b);
}

function count(
	{ decap }: Partial<TunnelTables>,
	endpoint: Endpoint,
	by: number,
): void {
	if (!decap) return;
	const references = (decap.get(endpoint) ?? 0) + by;
	if (references > 0) decap.set(endpoint, references);
	else decap.delete(endpoint);
}

/** Writes TABLE-DECAP as TABLE-TUNNEL has it. */
export function countAgain({ tunnels, decap }: TunnelTables): void {
	const right = new Map<string, [Endpoint, number]>();
	const name = (endpoint: Endpoint) => `${endpoint.address} ${endpoint.port}`;
	let last: [Endpoint, number] | undefined;
	for (const [, tunnel] of tunnels.entries()) {
		const endpoint = localEndpoint(tunnel);
		// Mostly there are few of them.
		if (!last || !sameEndpoint(last[0], endpoint)) {
			last = right.get(name(endpoint)) ?? [endpoint, 0];
			right.set(name(endpoint), last);
		}
		last[1]++;
	}
	decap.deleteMany(
		[...decap.entries()]
			.map(([endpoint]) => endpoint)
			.filter((endpoint) => !right.has(name(endpoint))),
	);
	decap.setMany([...right.values()]);
}
