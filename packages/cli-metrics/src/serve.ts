import {
	command,
	listenArgs,
	listenPositionals,
	values,
} from "@sluice/cli-kit";

const DEFAULT_TUNNELS = 1000;
const DEFAULT_TIMEOUT = 30;

export const serve = command({
	usage: "serve <address> <port>",
	summary: "Serve metrics for Prometheus at /metrics, until stopped",
	positionals: listenPositionals,
	options: {
		tunnels: {
			type: "string",
			describe: `Tell of each tunnel by itself while there are at most so many; of more, the sums alone [default: ${DEFAULT_TUNNELS}]`,
		},
		timeout: {
			type: "string",
			describe: `Seconds that a request may take [default: ${DEFAULT_TIMEOUT}]`,
		},
	},
	examples: [["serve 127.0.0.1 9500", "curl http://127.0.0.1:9500/metrics"]],
	parse: (args) => ({
		...listenArgs(args),
		tunnels: values.u32(
			"tunnels",
			args.optional("tunnels") ?? String(DEFAULT_TUNNELS),
		),
		timeout:
			1000 *
			values.seconds(
				"timeout",
				args.optional("timeout") ?? String(DEFAULT_TIMEOUT),
			),
	}),
	async run({ tunnels, ...listening }, context) {
		const { serveUntilStopped } = await import("@sluice/cli-kit/metrics");
		const { collector } = await import("./collector.js");
		const { read } = await import("./readings.js");
		// Once before anybody asks, so that tables that are not there are told now.
		read(context);
		const registry = collector(() => read(context), tunnels);
		await serveUntilStopped(context, registry, listening, ({ href }) =>
			context.print([`listening on ${href}`], { listening: href }),
		);
	},
});
