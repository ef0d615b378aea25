import { struct, u32 } from "@sluice/maps/codec";
import type { OpenTable, Table } from "@sluice/maps/table";
import { type Sid, verifyTable } from "@sluice/maps/tables";
import type { Opener } from "./tables.js";

/** The only field of TABLE-VERIFY that is read here: decoding all fields of a large table is slow. */
const tunnelOfService: Table<Sid, { tunnel: number }> = {
	...verifyTable,
	value: struct(verifyTable.value.size, { tunnel: [16, u32] }),
};

type Services = OpenTable<Sid, { tunnel: number }>;

/** The services that use a tunnel. */
export function usersOf(opener: Opener, id: number): Sid[] {
	const services = opener.openTable(tunnelOfService, { readOnly: true });
	// The lines of a batch see the services as they are at its beginning: one look is enough for all of them.
	if (opener.staged) return usersByTunnel(services).get(id) ?? [];
	const users: Sid[] = [];
	for (const [sid, { tunnel }] of services.entries())
		if (tunnel === id) users.push(sid);
	return users;
}

const looked = new WeakMap<Services, Map<number, Sid[]>>();

function usersByTunnel(services: Services): Map<number, Sid[]> {
	const known = looked.get(services);
	if (known) return known;
	const users = new Map<number, Sid[]>();
	for (const [sid, { tunnel }] of services.entries()) {
		const list = users.get(tunnel);
		if (list) list.push(sid);
		else users.set(tunnel, [sid]);
	}
	looked.set(services, users);
	return users;
}
