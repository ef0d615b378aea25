import type { Cli } from "@sluice/cli-kit";
import { metrics } from "./commands/metrics.js";
import { serve } from "./commands/serve.js";
import { stats } from "./commands/stats.js";
import { version } from "./version.js";

export const cli: Cli = {
	name: "udplb",
	summary: "UDP relay and forwarder in TC",
	version,
	values: { config: "file" },
	commands: [serve, stats, metrics],
};
