import { command, counted } from "@sluice/cli-kit";
import type { Encap, Endpoint, Sid } from "@sluice/maps/tables";
import {
	encapJson,
	encapLine,
	natJson,
	natLine,
	type ShowKey,
	serviceJson,
	verifyLine,
} from "../format.js";
import { compareSids, natRows, type Service } from "../services.js";
import { openServiceTables, type ServiceTables } from "../tables.js";
import { keysShown, noService, showKeysOption, sidOrAll } from "./arguments.js";

export const get = command({
	usage: "get <service-id|all> [group-id]",
	summary: "Show a service, or all rows of the service tables",
	positionals: {
		"service-id": "Service id, 0 to 65535, or all",
		"group-id": "Group id, 0 to 65535",
	},
	options: { "show-keys": showKeysOption },
	bulk: "show",
	examples: [
		["get all", "Show all services"],
		["get 1 2 --show-keys", "Show service 1 of group 2 and its key"],
	],
	parse: (args) => ({
		sid: sidOrAll(args),
		showKeys: args.flag("show-keys"),
	}),
	run({ sid, showKeys }, context) {
		const tables = openServiceTables(context, { readOnly: true });
		const rows = sid === "all" ? everything(tables) : one(tables, sid);
		const show = keysShown(showKeys, context);
		context.printLong(() => lines(rows, show), {
			services: () => mapped(rows.services, (one) => serviceJson(one, show)),
			encap: () =>
				mapped(rows.encap, ([key, one]) => encapJson(key, one, show)),
			nat: () => mapped(rows.nat, ([from, to]) => natJson(from, to)),
		});
	},
});

function* lines(
	{ services, encap, nat }: Rows,
	show: ShowKey,
): IterableIterator<string> {
	let count = 0;
	for (const service of services) {
		count++;
		yield verifyLine(service, show);
	}
	for (const [backend, value] of encap) yield encapLine(backend, value, show);
	for (const [from, to] of nat) yield natLine(from, to);
	yield counted(count, "service");
}

function* mapped<T, U>(rows: Iterable<T>, change: (row: T) => U): Iterable<U> {
	for (const row of rows) yield change(row);
}

interface Rows {
	// Read while they are printed: of a large table, the rows need not all be there at once.
	services: Iterable<Service>;
	encap: Iterable<[Endpoint, Encap]>;
	nat: Iterable<[Endpoint, Endpoint]>;
}

function everything({ verify, encap, nat }: ServiceTables): Rows {
	return {
		services: mapped(verify.sorted(compareSids), ([sid, value]) =>
			Object.assign(value, { sid }),
		),
		encap: encap.entries(),
		nat: nat.entries(),
	};
}

function one({ verify, encap, nat }: ServiceTables, sid: Sid): Rows {
	const value = verify.get(sid);
	if (!value) throw noService(sid);
	const service = { ...value, sid };
	const inEncap = encap.get(service.backend);
	return {
		services: [service],
		encap: inEncap ? [[service.backend, inEncap]] : [],
		nat: natRows(service).flatMap(([from]): [Endpoint, Endpoint][] => {
			const to = nat.get(from);
			return to ? [[from, to]] : [];
		}),
	};
}
