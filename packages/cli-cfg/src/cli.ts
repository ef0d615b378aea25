import { bulkCommands, type Cli } from "@sluice/cli-kit";
import { tunnelPins } from "@sluice/tunnel";
import manifest from "../package.json" with { type: "json" };
import { bulk } from "./bulk.js";
import { del } from "./commands/del.js";
import { dump } from "./commands/dump.js";
import { get } from "./commands/get.js";
import { set } from "./commands/set.js";
import { stats } from "./commands/stats.js";
import { flagLists } from "./flag-lists.js";

/** TABLE-CONFIG: the configuration of the programs on an interface. */
export const cli: Cli = {
	name: "cli_cfg",
	summary: "configure the programs on an interface",
	version: manifest.version,
	pins: tunnelPins,
	values: { idx: ["0", "1"], flags: flagLists },
	commands: [get, set, del, stats, dump, ...bulkCommands(() => cli, bulk)],
};
