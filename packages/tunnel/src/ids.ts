import { tunnelTable, verifyTable } from "@sluice/maps/tables";
import type { Opener } from "./tables.js";

// What completes an argument: ids as they are typed.

/** The ids of all tunnels, in order. */
export function tunnelIds(opener: Opener): string[] {
	const table = opener.openTable(tunnelTable, { readOnly: true });
	return inOrder([...table.entries()].map(([id]) => id));
}

/** The service ids of all services, in order. */
export const serviceIds = (opener: Opener): string[] =>
	inOrder(sids(opener).map(({ service }) => service));

/** The group ids of one service, in order. @param words the first is the service id */
export const groupIds = (
	opener: Opener,
	[service]: readonly string[],
): string[] =>
	inOrder(
		sids(opener)
			.filter((sid) => String(sid.service) === service)
			.map(({ group }) => group),
	);

const sids = (opener: Opener) =>
	[...opener.openTable(verifyTable, { readOnly: true }).entries()].map(
		([sid]) => sid,
	);

const inOrder = (ids: readonly number[]) =>
	[...new Set(ids)].sort((a, b) => a - b).map(String);
