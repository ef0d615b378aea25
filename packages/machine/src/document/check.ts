import { type Mistakes, type PositionAt, pathText } from "@sluice/document";
import type { Address } from "@sluice/maps/address";
import { protocols } from "@sluice/maps/tables";
import { endpointName } from "@sluice/tunnel";
import type { Machine } from "../machine.js";

/** Checks across rows: each id, endpoint and hook occurs once. */
export function checkTogether(
	{ config, tunnels, services }: Machine,
	mistakes: Mistakes,
	positionAt: PositionAt,
): void {
	const again = (list: string, row: number, before: number, what: string) =>
		mistakes.add(
			[list, row],
			`${pathText([list, row])}: ${what} again, after line ${positionAt([list, before]).line}`,
		);
	const hooks = new Map<string, number>();
	for (const [i, { direction, interface: name }] of config.entries()) {
		const before = hooks.get(`${direction} ${name}`);
		if (before === undefined) hooks.set(`${direction} ${name}`, i);
		else again("config", i, before, `interface "${name}" in that direction`);
	}
	for (const { row, before } of tunnels.repeats("id"))
		again("tunnels", row, before, `tunnel ${tunnels.at(row).id}`);
	for (const { row, before } of services.repeats("sid")) {
		const { service, group } = services.at(row).sid;
		again("services", row, before, `service ${service} ${group}`);
	}
	for (const { row, field, before } of services.repeats("proxy", "backend")) {
		const holder =
			before === row
				? "this service already"
				: `the service of line ${positionAt(["services", before]).line}`;
		mistakes.add(
			["services", row, field],
			`${pathText(["services", row, field])}: ${endpointName(services.at(row)[field])} belongs to ${holder}`,
		);
	}
	checkTunnelEnds(services, tunnels, mistakes);
}

/** What is sent to the end of a tunnel is taken for tunnel traffic, so no service is reached there. */
function checkTunnelEnds(
	services: Machine["services"],
	tunnels: Machine["tunnels"],
	mistakes: Mistakes,
): void {
	const name = (address: Address, port: number) => `${address} ${port}`;
	let ends: { locals: Set<string>; remotes: Map<number, string> } | undefined;
	let i = -1;
	for (const { proto } of services.column("proxy")) {
		i++;
		if (proto !== protocols.udp) continue;
		ends ??= {
			locals: new Set(
				Array.from(tunnels, (row) => name(row.local, row.localPort)),
			),
			remotes: new Map(
				Array.from(tunnels, (row) => [
					row.id,
					name(row.remote, row.remotePort),
				]),
			),
		};
		const { locals, remotes } = ends;
		const service = services.at(i);
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
