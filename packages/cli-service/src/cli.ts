import { bulkCommands, type Cli } from "@sluice/cli-kit";
import { groupIds, serviceIds, tunnelIds, tunnelPins } from "@sluice/tunnel";
import manifest from "../package.json" with { type: "json" };
import { bulk } from "./bulk.js";
import { check } from "./commands/check.js";
import { del } from "./commands/del.js";
import { get } from "./commands/get.js";
import { rotate } from "./commands/rotate.js";
import { set } from "./commands/set.js";
import { stats } from "./commands/stats.js";

/** TABLE-VERIFY, TABLE-ENCAP and TABLE-NAT: the services that tunnels carry. */
export const cli: Cli = {
	name: "cli_service",
	summary: "program services that GUE tunnels carry",
	version: manifest.version,
	pins: tunnelPins,
	values: {
		"service-id": serviceIds,
		"group-id": groupIds,
		"tunnel-id": tunnelIds,
		proto: ["tcp", "udp"],
	},
	commands: [
		get,
		set,
		del,
		rotate,
		check,
		stats,
		...bulkCommands(() => cli, bulk),
	],
};
