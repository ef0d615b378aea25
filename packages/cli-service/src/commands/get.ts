import { command, counted } from "@sluice/cli-kit";
import type { Encap, Endpoint, Sid } from "@sluice/maps/tables";
import {
	encapDocument,
	encapLine,
	natDocument,
	natLine,
	serviceDocument,
	verifyLine,
} from "../format.js";
import { natRows, type Service } from "../services.js";
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
		const { services, encap, nat } =
			sid === "all" ? everything(tables) : one(tables, sid);
		const show = keysShown(showKeys, context);
		context.print(
			() => [
				...services.map((service) => verifyLine(service, show)),
				...Array.from(encap, ([key, value]) => encapLine(key, value, show)),
				...Array.from(nat, ([from, to]) => natLine(from, to)),
				counted(services.length, "service"),
			],
			() => ({
				services: services.map((service) => serviceDocument(service, show)),
				encap: Array.from(encap, ([key, value]) =>
					encapDocument(key, value, show),
				),
				nat: Array.from(nat, ([from, to]) => natDocument(from, to)),
			}),
		);
	},
});

interface Rows {
	services: Service[];
	// Read while they are printed: of a large table, the rows need not all be there at once.
	encap: Iterable<[Endpoint, Encap]>;
	nat: Iterable<[Endpoint, Endpoint]>;
}

function everything({ verify, encap, nat }: ServiceTables): Rows {
	return {
		services: [...verify.entries()]
			.map(([sid, value]) => ({ ...value, sid }))
			.sort(
				({ sid: a }, { sid: b }) => a.service - b.service || a.group - b.group,
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
