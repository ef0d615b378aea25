import { command, values } from "@sluice/cli-kit";
import { duration } from "../values/duration.js";
import { placeOf } from "./place.js";

const DEFAULT_TIMEOUT = 30_000;

export const metrics = command({
	usage: "metrics <address> <port>",
	summary: "Serve metrics for Prometheus at /metrics, until stopped",
	positionals: {
		address: "The address to listen on",
		port: "The port to listen on; 0 takes a free one and prints it",
	},
	options: {
		timeout: {
			type: "string",
			describe: "How long a request may take [default: 30s]",
		},
	},
	examples: [["metrics 127.0.0.1 8000", "curl http://127.0.0.1:8000/metrics"]],
	parse(args) {
		const timeout = args.optional("timeout");
		return {
			address: values.address("address", args.text("address")),
			port: values.port("port", args.text("port")),
			timeout:
				timeout === undefined ? DEFAULT_TIMEOUT : duration("timeout", timeout),
		};
	},
	async run({ address, port, timeout }, context) {
		const { serveMetrics } = await import("@sluice/cli-kit/metrics");
		const { collector } = await import("../state/collector.js");
		const place = placeOf(context);
		const registry = collector(place, (message) =>
			context.env.err(`tubectl: metrics: ${message}\n`),
		);
		const server = await serveMetrics(registry, address, port, { timeout });
		const { host } = new URL(server.url);
		context.print([`Listening on ${host}`], { listening: host });
		await stopped();
		await server.close();
	},
});

/** Until somebody asks the process to end. */
const stopped = () =>
	new Promise<void>((resolve) => {
		for (const signal of ["SIGINT", "SIGTERM"] as const)
			process.once(signal, () => resolve());
	});
