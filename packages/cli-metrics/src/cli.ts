import type { Program } from "@sluice/cli-kit";
import { tunnelPins } from "@sluice/tunnel";
import manifest from "../package.json" with { type: "json" };
import { serve } from "./serve.js";

/** What Prometheus is told of the tunnels. */
export const cli: Program = {
	name: "cli_metrics",
	summary: "tell Prometheus of the tunnels",
	version: manifest.version,
	pins: tunnelPins,
	commands: [serve],
};
