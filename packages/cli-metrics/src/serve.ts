import { once } from "node:events";
import { command, values } from "@sluice/cli-kit";

const DEFAULT_TUNNELS = 1000;
const DEFAULT_TIMEOUT = 30;

export const serve = command({
	usage: "serve <address> <port>",
	summary: "Serve metrics for Prometheus at /metrics, until stopped",
	positionals: {
		address: "The address to listen on",
		port: "The port to listen on; 0 takes a free one and prints it",
	},
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
		address: values.address("address", args.text("address")),
		port: values.port("port", args.text("port")),
		tunnels: values.u32(
			"tunnels",
			args.optional("tunnels") ?? String(DEFAULT_TUNNELS),
		),
		timeout: values.seconds(
			"timeout",
			args.optional("timeout") ?? String(DEFAULT_TIMEOUT),
		),
	}),
	async run({ address, port, tunnels, timeout }, context) {
		const { serveMetrics } = await import("@sluice/cli-kit/metrics");
		const { collector } = await import("./collector.js");
		const { read } = await import("./readings.js");
		// Once before anybody asks, so that tables that are not there are told now.
		read(context);
		const registry = collector(() => read(context), tunnels);
		const server = await serveMetrics(registry, address, port, {
			timeout: 1000 * timeout,
		});
		context.print([`listening on ${server.url}`], { listening: server.url });
		const signal = context.env.stopped?.();
		if (signal && !signal.aborted) await once(signal, "abort");
		await server.close();
	},
});
