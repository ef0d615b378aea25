import { command, counted, ifExistsOption } from "@sluice/cli-kit";
import {
	deleteAllServices,
	deleteService,
	openServiceTables,
} from "@sluice/tunnel";
import { noService, sidOrAll, sidPositionals } from "./arguments.js";

export const del = command({
	usage: ["del all", "del <service-id> <group-id>"],
	summary: "Delete a service, or all",
	positionals: sidPositionals,
	options: ifExistsOption("service"),
	bulk: "change",
	examples: [
		["del 1 2", "Delete service 1 of group 2"],
		["del all", "Delete all services"],
	],
	parse: (args) => ({
		sid: sidOrAll(args),
		ifExists: args.flag("if-exists"),
	}),
	run({ sid, ifExists }, context) {
		const deleted = context.locked((opener) => {
			const tables = openServiceTables(opener);
			if (sid === "all") return deleteAllServices(tables);
			return deleteService(tables, sid) ? [sid] : [];
		});
		if (sid !== "all" && deleted.length === 0 && !ifExists)
			throw noService(sid);
		context.print(() => [`deleted ${counted(deleted.length, "service")}`], {
			deleted,
		});
	},
});
