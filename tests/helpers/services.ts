import type { OpenTable } from "@sluice/maps";
import { Address } from "@sluice/maps/address";
import { type Direction, directions } from "@sluice/maps/tables";
import type { TunnelTables } from "./programs.js";

const protocols = { tcp: 6, udp: 17 };

export interface TunnelRow {
	id: number;
	local: string;
	localPort: number;
	/** `::` while it is not known. */
	remote: string;
	remotePort: number;
}

export interface ServiceRow {
	service: number;
	group: number;
	proto: keyof typeof protocols;
	proxy: string;
	proxyPort: number;
	backend: string;
	backendPort: number;
	tunnel: number;
	key: string;
}

/** Writes tunnels and services as the commands do: every row that belongs to one of them. */
export function program(
	tables: TunnelTables,
	tunnels: readonly TunnelRow[],
	services: readonly ServiceRow[],
): void {
	for (const { id, ...ends } of tunnels) {
		const { localPort, remotePort } = ends;
		const local = Address.of(ends.local);
		const remote = Address.of(ends.remote);
		tables.tunnel.set(id, {
			...{ local, localPort, remote, remotePort },
			lastPing: 0n,
		});
		tables.decap.set(
			{ address: local, port: localPort, proto: protocols.udp },
			1,
		);
	}
	for (const row of services) {
		const proto = protocols[row.proto];
		const end = (address: string, port: number) => ({
			address: Address.of(address),
			port,
			proto,
		});
		const proxy = end(row.proxy, row.proxyPort);
		const backend = end(row.backend, row.backendPort);
		const sid = { service: row.service, group: row.group };
		const key = Buffer.from(row.key);
		tables.verify.set(sid, { key, tunnel: row.tunnel, proxy, backend });
		tables.encap.set(backend, { tunnel: row.tunnel, sid, key });
		tables.nat.set(proxy, backend);
		tables.nat.set(backend, proxy);
	}
}

/** Writes the config rows of every interface, with these flags. */
export function configure(
	{ config }: Pick<TunnelTables, "config">,
	flags: Readonly<Record<Direction, number>>,
): void {
	for (const direction of directions)
		config.set(
			{ ifindex: 0, direction },
			{ id: 1, flags: flags[direction], name: "" },
		);
}

/** Takes everything out of the tables. */
export function empty(tables: TunnelTables): void {
	for (const table of Object.values(tables))
		clear(table as OpenTable<unknown, unknown>);
}

function clear(table: OpenTable<unknown, unknown>): void {
	table.deleteMany([...table.entries()].map(([key]) => key));
}

/** All rows of the tables as text to compare, without counters and times of pings. */
export function contents(tables: TunnelTables): string[] {
	const { traffic: _, ...written } = tables;
	return Object.entries(written).flatMap(([name, table]) =>
		[...table.entries()]
			.map((entry) =>
				JSON.stringify([name, ...entry], (field, value) =>
					field === "lastPing" ? undefined : value,
				),
			)
			.sort(),
	);
}
