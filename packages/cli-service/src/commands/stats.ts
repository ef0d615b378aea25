import {
	type Context,
	command,
	looksOf,
	showTraffic,
	watchOptions,
} from "@sluice/cli-kit";
import { type Sid, verifyTable } from "@sluice/maps/tables";
import {
	addTraffic,
	noTraffic,
	rankOfSid,
	type TwoWayTraffic,
} from "@sluice/tunnel";
import { noService, sidOrAll, sidPositionals } from "./arguments.js";

/** Packets and bytes of one service. */
interface ServiceTraffic extends TwoWayTraffic {
	service: number;
	group: number;
}

export const stats = command({
	usage: ["stats [all]", "stats <service-id> <group-id>"],
	summary: "Show the packets and bytes of each service",
	positionals: sidPositionals,
	options: watchOptions,
	examples: [
		["stats 1 2", "What has gone through tunnels for service 1 of group 2"],
		["stats --watch", "What goes through now"],
	],
	parse: (args) => ({
		sid: sidOrAll(args),
		looks: looksOf(args),
	}),
	run: ({ sid, looks }, context) =>
		showTraffic<ServiceTraffic>(context, looks, {
			noun: "service",
			columns: ["service", "group"],
			read: () => read(context, sid),
			cells: ({ service, group }) => [service, group].map(String),
			name: rankOfSid,
			always: sid !== "all",
		}),
});

function read(context: Context, sid: Sid | "all"): ServiceTraffic[] {
	const verify = context.openTable(verifyTable, { readOnly: true });
	if (sid !== "all" && !verify.get(sid)) throw noService(sid);
	const sids =
		sid === "all" ? [...verify.entries()].map(([key]) => key) : [sid];
	const rows = new Map(
		sids
			.sort((a, b) => rankOfSid(a) - rankOfSid(b))
			.map((key) => [rankOfSid(key), { ...key, ...noTraffic() }]),
	);
	verify.close();
	addTraffic(context, (key) => rows.get(rankOfSid(key.sid)));
	return [...rows.values()];
}
