import type { Context } from "@sluice/cli-kit";
import { pathMtuTable, type Tunnel } from "@sluice/maps/tables";
import type { Now } from "./format.js";

/**
 * What routers have reported, as long as it holds. Objects before this table have none, and none is missed then.
 *
 * @returns bytes of the outer packet that fit between a tunnel's ends; undefined: nothing was reported
 */
export function pathMtus(
	context: Context,
	{ boot }: Now,
): (tunnel: Tunnel) => number | undefined {
	const table = openedPathMtus(context);
	return ({ local, localPort, remote, remotePort }) => {
		const row = table?.get({ local, localPort, remote, remotePort });
		return row && row.expires > boot ? row.mtu : undefined;
	};
}

function openedPathMtus(context: Context) {
	try {
		return context.openTable(pathMtuTable, { readOnly: true });
	} catch (error) {
		// A missing pin has been explained by then: the error is a Failure.
		if ((error as { code?: string }).code === "ENOENT") return undefined;
		throw error;
	}
}
