import { bulkCommands, type Cli } from "@sluice/cli-kit";
import { tunnelIds, tunnelPins } from "@sluice/tunnel";
import manifest from "../package.json" with { type: "json" };
import { bulk } from "./bulk.js";
import { del } from "./commands/del.js";
import { get } from "./commands/get.js";
import { ping } from "./commands/ping.js";
import { set } from "./commands/set.js";
import { stats } from "./commands/stats.js";

/** TABLE-TUNNEL and TABLE-DECAP: the outer headers. */
export const cli: Cli = {
	name: "cli_tunnel",
	summary: "program GUE tunnels",
	version: manifest.version,
	pins: tunnelPins,
	values: { id: tunnelIds },
	commands: [get, set, del, ping, stats, ...bulkCommands(() => cli, bulk)],
};
