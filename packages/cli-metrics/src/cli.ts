import type { Cli } from "@sluice/cli-kit";
import { tunnelPins } from "@sluice/tunnel";
import manifest from "../package.json" with { type: "json" };
import { serve } from "./serve.js";

/** The tunnels, for Prometheus and as a page. */
export const cli: Cli = {
	name: "cli_metrics",
	summary: "serve metrics of the tunnels for Prometheus, and a web page",
	version: manifest.version,
	pins: tunnelPins,
	commands: [serve],
};
