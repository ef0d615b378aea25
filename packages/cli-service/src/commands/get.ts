import { command, counted } from "@sluice/cli-kit";
import { OrderedRows } from "@sluice/maps/ordered-rows";
import type { OpenTable } from "@sluice/maps/table";
import {
	type Encap,
	type Endpoint,
	encapTable,
	natTable,
	type Sid,
	verifyTable,
} from "@sluice/maps/tables";
import {
	encapRow,
	natRows,
	openServiceTables,
	partsFollow,
	rankByOrder,
	rankOfSid,
	type Service,
	type ServiceTables,
} from "@sluice/tunnel";
import {
	encapJson,
	encapLine,
	natJson,
	natLine,
	rotationDocument,
	rotationLine,
	type ShowKey,
	serviceJson,
	signingDocument,
	signingLine,
	verifyLine,
} from "../format.js";
import {
	keysShown,
	noService,
	showKeysOption,
	sidOrAll,
	sidPositionals,
} from "./arguments.js";

export const get = command({
	usage: ["get all", "get <service-id> <group-id>"],
	summary: "Show a service, or all rows of the service tables",
	positionals: sidPositionals,
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
		const rotations = rowsBeside(tables.rotation, sid);
		const signings = rowsBeside(tables.signing, sid);
		const more = (service: Service) => {
			const rotation = rotations.get(rankOfSid(service.sid));
			const signing = signings.get(rankOfSid(service.sid));
			if (!rotation && !signing) return undefined;
			return {
				signing: signing && signingDocument(signing, show),
				rotation:
					rotation && rotationDocument(service, rotation, show, context),
			};
		};
		const beside = (service: Service) => {
			if (rotations.size + signings.size === 0) return NONE;
			const rotation = rotations.get(rankOfSid(service.sid));
			const signing = signings.get(rankOfSid(service.sid));
			return [
				...(signing ? [signingLine(service.sid, signing, show)] : []),
				...(rotation ? [rotationLine(service, rotation, show, context)] : []),
			];
		};
		context.printLong((line) => printLines(rows, beside, show, line), {
			services: (row) =>
				rows.services((one) => row(serviceJson(one, show, more(one)))),
			encap: (row) => rows.encap((key, one) => row(encapJson(key, one, show))),
			nat: (row) => rows.nat((from, to) => row(natJson(from, to))),
		});
	},
});

const NONE: readonly string[] = [];

/** By `rankOfSid`. */
function rowsBeside<V>(
	table: OpenTable<Sid, V>,
	sid: Sid | "all",
): ReadonlyMap<number, V> {
	if (sid === "all")
		return new Map(
			[...table.entries()].map(([key, row]) => [rankOfSid(key), row]),
		);
	const row = table.get(sid);
	return new Map(row && [[rankOfSid(sid), row]]);
}

function printLines(
	{ services, encap, nat }: Listing,
	beside: (service: Service) => readonly string[],
	show: ShowKey,
	line: (text: string) => void,
): void {
	let count = 0;
	const last: string[] = [];
	services((service) => {
		count++;
		line(verifyLine(service, show));
		last.push(...beside(service));
	});
	encap((backend, value) => line(encapLine(backend, value, show)));
	nat((from, to) => line(natLine(from, to)));
	for (const text of last) line(text);
	line(counted(count, "service"));
}

interface Listing {
	// Read while they are printed: of a large table, the rows need not all be there at once.
	services(visit: (service: Service) => void): void;
	encap(visit: (backend: Endpoint, encap: Encap) => void): void;
	nat(visit: (from: Endpoint, to: Endpoint) => void): void;
}

function everything({ verify, encap, nat }: ServiceTables): Listing {
	const rows = new OrderedRows(verifyTable, verify.batches(), rankOfSid);
	const services = (visit: (service: Service) => void) =>
		rows.forEach((sid, { key, tunnel, proxy, backend }) => {
			visit({ sid, key, tunnel, proxy, backend });
		});
	// In the order of the services; rows that belong to none are last.
	const follows = partsFollow(rows.packed, { encap, nat });
	return {
		services,
		encap: (visit) =>
			follows.encap
				? services((one) => visit(one.backend, encapRow(one)))
				: encap.forEach(
						visit,
						rankByOrder(encapTable.key, (add) =>
							services(({ backend }) => add(backend)),
						),
					),
		nat: (visit) =>
			follows.nat
				? services((one) => {
						for (const row of natRows(one)) visit(row[0], row[1]);
					})
				: nat.forEach(
						visit,
						rankByOrder(natTable.key, (add) =>
							services((one) => {
								for (const [from] of natRows(one)) add(from);
							}),
						),
					),
	};
}

function one({ verify, encap, nat }: ServiceTables, sid: Sid): Listing {
	const value = verify.get(sid);
	if (!value) throw noService(sid);
	const service = { ...value, sid };
	const inEncap = encap.get(service.backend);
	return {
		services: (visit) => visit(service),
		encap: (visit) => inEncap && visit(service.backend, inEncap),
		nat(visit) {
			for (const [from] of natRows(service)) {
				const to = nat.get(from);
				if (to) visit(from, to);
			}
		},
	};
}
