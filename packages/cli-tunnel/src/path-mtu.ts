import type { Context } from "@sluice/cli-kit";
import {
	type PathEnds,
	pathMtuTable,
	type Tunnel,
	type TunnelOptions,
	tunnelOptionsTable,
} from "@sluice/maps/tables";
import { sourcePortOf } from "@sluice/tunnel";
import type { Now } from "./format.js";

/** Nanoseconds that an MTU holds: PATH_MTU_LIFETIME of bpf/tunnel/path_mtu.h. */
const LIFETIME = 600_000_000_000n;

/**
 * Writes the measured path MTU of a tunnel, as the program writes one that a router reports: valid for ten minutes.
 * @param mtu undefined: the path takes all that the link takes
 */
export function keepPathMtu(
	context: Context,
	{ id, tunnel }: { id: number; tunnel: Tunnel },
	mtu: number | undefined,
): void {
	const options = context.openTable(tunnelOptionsTable, { readOnly: true });
	const ends = endsOf(tunnel, options.get(id));
	options.close();
	const table = context.openTable(pathMtuTable);
	const expires = context.kernel.nanosecondsSinceBoot() + LIFETIME;
	if (mtu === undefined) table.delete(ends);
	else table.set(ends, { mtu, expires });
	table.close();
}

/**
 * What routers have reported or pings have measured, as long as it holds. Objects before this table have none, and none is missed then.
 *
 * @returns bytes of the outer packet that fit between a tunnel's ends; undefined: nothing was reported
 */
export function pathMtus(
	context: Context,
	{ boot }: Now,
): (tunnel: Tunnel, options: TunnelOptions | undefined) => number | undefined {
	const table = openedPathMtus(context);
	return (tunnel, options) => {
		const row = table?.get(endsOf(tunnel, options));
		return row && row.expires > boot ? row.mtu : undefined;
	};
}

/** A tunnel's key in the table: without a local port where each flow has one. */
const endsOf = (
	{ local, localPort, remote, remotePort }: Tunnel,
	options: TunnelOptions | undefined,
): PathEnds => ({
	local,
	localPort: options && sourcePortOf(options) === "flow" ? 0 : localPort,
	remote,
	remotePort,
});

function openedPathMtus(context: Context) {
	try {
		return context.openTable(pathMtuTable, { readOnly: true });
	} catch (error) {
		// A missing pin has been explained by then: the error is a Failure.
		if ((error as { code?: string }).code === "ENOENT") return undefined;
		throw error;
	}
}
