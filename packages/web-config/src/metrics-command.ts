import {
	type Context,
	command,
	listenPositionals,
	metricsArgs,
	metricsOptions,
} from "@sluice/cli-kit";
import type { MetricsRegistry } from "@sluice/cli-kit/metrics";

/**
 * The command `metrics <address> <port>`.
 * @param registryOf makes what is served
 */
export const metricsCommand = (
	registryOf: (context: Context) => Promise<MetricsRegistry>,
) =>
	command({
		usage: "metrics <address> <port>",
		summary: "Serve metrics for Prometheus at /metrics, until stopped",
		positionals: listenPositionals,
		options: metricsOptions,
		examples: [
			["metrics 127.0.0.1 8000", "curl http://127.0.0.1:8000/metrics"],
		],
		parse: metricsArgs,
		async run({ webConfig, ...listening }, context) {
			const { serveUntilStopped } = await import("@sluice/cli-kit/metrics");
			const { accessOf } = await import("./index.js");
			const access = accessOf(webConfig, context);
			await serveUntilStopped(
				context,
				await registryOf(context),
				{ ...listening, access },
				(_, endpoint) =>
					context.print([`Listening on ${endpoint}`], { listening: endpoint }),
			);
		},
	});
