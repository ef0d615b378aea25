import {
	badInput,
	command,
	listenArgs,
	listenPositionals,
	webConfigOption,
} from "@sluice/cli-kit";
import { readAll } from "../counters/read-all.js";
import { version } from "../version.js";

export const metrics = command({
	usage: "metrics <address> <port>",
	summary: "Serve metrics for Prometheus at /metrics, until stopped",
	positionals: listenPositionals,
	options: {
		...webConfigOption,
		timeout: {
			type: "string",
			describe: "Seconds that a request may take [default: 30]",
		},
	},
	examples: [["metrics 127.0.0.1 8000", "curl http://127.0.0.1:8000/metrics"]],
	parse(args) {
		const timeout = args.optional("timeout") ?? "30";
		if (!/^\d{1,4}$/.test(timeout) || Number(timeout) === 0)
			throw badInput(
				`timeout must be an integer from 1 to 9999, got "${timeout}"`,
			);
		return {
			...listenArgs(args),
			timeout: Number(timeout) * 1000,
		};
	},
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
