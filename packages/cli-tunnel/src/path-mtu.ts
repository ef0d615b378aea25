import type { Context } from "@sluice/cli-kit";
import {
	type PathEnds,
	type PathMtu,
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

type MtuOf = (
	tunnel: Tunnel,
	options: TunnelOptions | undefined,
) => number | undefined;

/**
 * What routers have reported or pings have measured, as long as it holds. Objects before this table have none, and none is missed then.
 *
 * @param isForMany whether many tunnels are asked for: then the table, which has few rows as a rule, is read once
 * @returns bytes of the outer packet that fit between a tunnel's ends; undefined: nothing was reported
 */
export function pathMtus(
	context: Context,
	{ boot }: Now,
	isForMany: boolean,
): MtuOf {
	const table = openedPathMtus(context);
	if (!table) return () => undefined;
	const holding = (row: PathMtu | undefined) =>
		row && row.expires > boot ? row.mtu : undefined;
	if (!isForMany)
		return (tunnel, options) => holding(table.get(endsOf(tunnel, options)));
	const mtus = new Map<string, number | undefined>();
	table.forEach((ends, row) => void mtus.set(nameOf(ends), holding(row)));
	if (mtus.size === 0) return () => undefined;
	return (tunnel, options) => mtus.get(nameOf(endsOf(tunnel, options)));
}

const nameOf = ({ local, localPort, remote, remotePort }: PathEnds) =>
	`${local} ${localPort} ${remote} ${remotePort}`;

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
