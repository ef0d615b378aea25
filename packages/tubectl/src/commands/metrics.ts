import {
	command,
	listenPositionals,
	metricsArgs,
	metricsOptions,
} from "@sluice/cli-kit";

export const metrics = command({
	usage: "metrics <address> <port>",
	summary: "Serve metrics for Prometheus at /metrics, until stopped",
	positionals: listenPositionals,
	options: metricsOptions,
	examples: [["metrics 127.0.0.1 8000", "curl http://127.0.0.1:8000/metrics"]],
	parse: metricsArgs,
	async run({ webConfig, ...listening }, context) {
		const { serveUntilStopped } = await import("@sluice/cli-kit/metrics");
		const { accessOf } = await import("@sluice/web-config");
		const access = accessOf(webConfig, context);
		const { collector } = await import("../state/collector.js");
		const registry = collector(context);
		await serveUntilStopped(
			context,
			registry,
			{ ...listening, access },
			(_, endpoint) =>
				context.print([`Listening on ${endpoint}`], { listening: endpoint }),
		);
	},
});
