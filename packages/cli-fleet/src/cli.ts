import type { Cli } from "@sluice/cli-kit";
import { tunnelPins } from "@sluice/tunnel";
import manifest from "../package.json" with { type: "json" };
import { get } from "./commands/get.js";
import { history, rollback } from "./commands/history.js";
import { push } from "./commands/push.js";
import { roles } from "./commands/roles.js";
import { rotate } from "./commands/rotate.js";
import { run } from "./commands/run.js";
import { status } from "./commands/status.js";

/** The documents of many machines, pushed to a store and applied by an agent on each. */
export const cli: Cli = {
	name: "cli_fleet",
	summary: "keep the tables of many machines equal to their documents in etcd",
	version: manifest.version,
	pins: tunnelPins,
	values: { key: "file", ca: "file", cert: "file" },
	commands: [run, push, status, get, history, rollback, rotate, roles],
};
