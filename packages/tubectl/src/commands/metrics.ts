import {
	command,
	listenArgs,
	listenPositionals,
	webConfigOption,
} from "@sluice/cli-kit";
import { duration } from "../values/duration.js";

const DEFAULT_TIMEOUT = 30_000;

export const metrics = command({
	usage: "metrics <address> <port>",
	summary: "Serve metrics for Prometheus at /metrics, until stopped",
	positionals: listenPositionals,
	options: {
		...webConfigOption,
		timeout: {
			type: "string",
			describe: "How long a request may take [default: 30s]",
		},
	},
	examples: [["metrics 127.0.0.1 8000", "curl http://127.0.0.1:8000/metrics"]],
	parse(args) {
		const timeout = args.optional("timeout");
		return {
			...listenArgs(args),
			timeout:
				timeout === undefined ? DEFAULT_TIMEOUT : duration("timeout", timeout),
		};
	},
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
