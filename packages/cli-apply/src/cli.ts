import type { Cli } from "@sluice/cli-kit";
import { tunnelPins } from "@sluice/tunnel";
import manifest from "../package.json" with { type: "json" };
import { apply } from "./commands/apply.js";
import { diff } from "./commands/diff.js";
import { exportDocument } from "./commands/export.js";
import { status } from "./commands/status.js";
import { watch } from "./commands/watch.js";

/** One document with all of a machine's tables: configuration, tunnels and services. */
export const cli: Cli = {
	name: "cli_apply",
	summary: "make a machine's tables equal to one document",
	version: manifest.version,
	pins: tunnelPins,
	commands: [apply, diff, exportDocument, status, watch],
};
