import {
	command,
	listenPositionals,
	metricsArgs,
	metricsOptions,
} from "@sluice/cli-kit";
import { readAll } from "../counters/read-all.js";
import { version } from "../version.js";

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
		const { registryOf } = await import("../counters/registry.js");
		const registry = registryOf(
			() => readAll(context.kernel, context.bpffs, undefined),
			version,
			(message) => context.warn(message),
		);
		await serveUntilStopped(
			context,
			registry,
			{ ...listening, access },
			({ host }) =>
				context.print([`Listening on ${host}`], { listening: host }),
		);
	},
});
