import { type Mistakes, type PositionAt, pathText } from "@sluice/document";
import { ByteIndex } from "@sluice/maps";
import type { Address } from "@sluice/maps/address";
import {
	type Endpoint,
	endpoint as endpointCodec,
	protocols,
} from "@sluice/maps/tables";
import { endpointName, rankOfSid, type Service } from "@sluice/tunnel";
import type { Machine } from "../machine.js";

/** Checks across rows: each id, endpoint and hook occurs once. */
export function checkTogether(
	{ config, tunnels, services }: Machine,
	mistakes: Mistakes,
	positionAt: PositionAt,
): void {
	const again = <T>(
		list: string,
		rows: readonly T[],
		name: (row: T) => string | number,
		what: (row: T) => string,
	) => {
		const seen = new Map<string | number, number>();
		for (let i = 0; i < rows.length; i++) {
			const row = rows[i] as T;
			const before = seen.get(name(row));
			if (before === undefined) seen.set(name(row), i);
			else
				mistakes.add(
					[list, i],
					`${pathText([list, i])}: ${what(row)} again, after line ${positionAt([list, before]).line}`,
				);
		}
	};
	again(
		"config",
		config,
		(row) => `${row.direction} ${row.interface}`,
		(row) => `interface "${row.interface}" in that direction`,
	);
	again(
		"tunnels",
		tunnels,
		({ id }) => id,
		({ id }) => `tunnel ${id}`,
	);
	again(
		"services",
		services,
		({ sid }) => rankOfSid(sid),
		({ sid }) => `service ${sid.service} ${sid.group}`,
	);
	checkEndpoints(services, mistakes, positionAt);
	checkTunnelEnds(services, tunnels, mistakes);
}

function checkEndpoints(
	services: Machine["services"],
	mistakes: Mistakes,
	positionAt: PositionAt,
): void {
	// As bytes: of a hundred thousand services, strings take four times the memory.
	const claimed = new ByteIndex(endpointCodec.size, 2 * services.length);
	const bytes = Buffer.alloc(endpointCodec.size);
	/** The number of the service by that of its endpoint. */
	const holders: number[] = [];
	const claim = (i: number, role: string, endpoint: Endpoint) => {
		endpointCodec.write(bytes, 0, endpoint);
		const holder = holders[claimed.find(bytes, 0)];
		if (holder === undefined) {
			claimed.add(bytes, 0);
			holders.push(i);
		} else
			mistakes.add(
				["services", i, role],
				`${pathText(["services", i, role])}: ${endpointName(endpoint)} belongs to ${holder === i ? "this service already" : `the service of line ${positionAt(["services", holder]).line}`}`,
			);
	};
	for (let i = 0; i < services.length; i++) {
		const { proxy, backend } = services[i] as Machine["services"][number];
		claim(i, "proxy", proxy);
		claim(i, "backend", backend);
	}
}

/** What is sent to the end of a tunnel is taken for tunnel traffic, so no service is reached there. */
function checkTunnelEnds(
	services: Machine["services"],
	tunnels: Machine["tunnels"],
	mistakes: Mistakes,
): void {
	const isUdp = ({ proxy }: Pick<Service, "proxy">) =>
		proxy.proto === protocols.udp;
	if (!services.some(isUdp)) return;
	const name = (address: Address, port: number) => `${address} ${port}`;
	const locals = new Set(
		tunnels.map(({ spec }) => name(spec.local, spec.localPort)),
	);
	const remotes = new Map(
		tunnels.map(({ id, spec }) => [id, name(spec.remote, spec.remotePort)]),
	);
	for (let i = 0; i < services.length; i++) {
		const service = services[i] as Machine["services"][number];
		if (!isUdp(service)) continue;
		for (const role of ["proxy", "backend"] as const) {
			const end = service[role];
			const refuse = (what: string) =>
				mistakes.add(
					["services", i, role],
					`${pathText(["services", i, role])}: ${endpointName(end)} is ${what}`,
				);
			const own = name(end.address, end.port);
			if (locals.has(own)) refuse("the local end of a tunnel");
			if (remotes.get(service.tunnel) === own)
				refuse(`the far end of tunnel ${service.tunnel}`);
		}
	}
}
