import type { Cli } from "@sluice/cli-kit";
import { tunnelPins } from "@sluice/tunnel";
import manifest from "../package.json" with { type: "json" };
import { adopt } from "./commands/adopt.js";
import { attach } from "./commands/attach.js";
import { detach } from "./commands/detach.js";
import { exchange } from "./commands/exchange.js";
import { hooks } from "./commands/hooks.js";
import { load } from "./commands/load.js";
import { prepare } from "./commands/prepare.js";

/** The pinned tables as a whole, and the tcx hooks. The attach scripts call it; they hold the writers' lock. */
export const cli: Cli = {
	name: "cli_tables",
	summary:
		"load, adopt and migrate the pinned tables, and attach by tcx, for the attach scripts",
	version: manifest.version,
	pins: tunnelPins,
	values: { object: "file", pin: "file" },
	commands: [load, adopt, prepare, exchange, hooks, attach, detach],
};
