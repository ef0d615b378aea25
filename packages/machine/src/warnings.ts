import { networkInterfaces } from "node:os";
import { Address } from "@sluice/maps/address";
import { flagNames, type Sid } from "@sluice/maps/tables";
import { keylessWarning } from "@sluice/tunnel";
import type { Machine } from "./machine.js";

/** Warnings of one kind. */
const SHOWN = 3;

/** What is allowed, and probably not meant. */
export function warningsOf(machine: Machine): string[] {
	return [
		...foreignLocals(machine),
		...idlePrograms(machine),
		...keyless(machine),
	];
}

/** Addresses may come later than the document, so that this is no mistake. */
function foreignLocals({ tunnels }: Machine): string[] {
	if (tunnels.length === 0) return [];
	const own = new Set(
		Object.values(networkInterfaces()).flatMap((addresses = []) =>
			addresses.map((one) => String(Address.parse(one.address))),
		),
	);
	const foreign = new Set<string>();
	let before: Address | undefined;
	for (const local of tunnels.column("local")) {
		// Mostly there are few of them.
		if (before?.equals(local)) continue;
		before = local;
		if (!own.has(String(local))) foreign.add(String(local));
		if (foreign.size === SHOWN) break;
	}
	return [...foreign].map(
		(local) => `no interface has ${local}, the local address of a tunnel`,
	);
}

function idlePrograms({ config, services }: Machine): string[] {
	if (services.length === 0) return [];
	const { gue = 0 } = flagNames.ingress;
	const decapsulates = config.some(
		(row) => row.direction === "ingress" && row.config.flags & gue,
	);
	return decapsulates || config.length === 0
		? []
		: ["services are set, but no ingress row has the flag gue"];
}

/** Services whose packets are dropped by their tunnel's token mode, or still contain the key. */
function keyless({ tunnels, services }: Machine): string[] {
	const withOptions = [...tunnels.withRest()];
	if (withOptions.length === 0) return [];
	const byTunnel = new Map<number, Sid[]>();
	for (const { sid, signing, tunnel } of services) {
		if (signing) continue;
		const sids = byTunnel.get(tunnel);
		if (sids) sids.push(sid);
		else byTunnel.set(tunnel, [sid]);
	}
	return withOptions
		.flatMap(
			({ id, options }) =>
				keylessWarning(id, options, byTunnel.get(id) ?? []) ?? [],
		)
		.slice(0, SHOWN);
}
