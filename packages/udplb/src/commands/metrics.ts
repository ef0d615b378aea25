import { badInput, command, values } from "@sluice/cli-kit";
import { readAll } from "../live.js";
import { version } from "../version.js";

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
			address: values.address("address", args.text("address")),
			port: values.port("port", args.text("port")),
			timeout: Number(timeout) * 1000,
		};
	},
	async run({ address, port, timeout }, context) {
		const { serveMetrics } = await import("@sluice/cli-kit/metrics");
		const { registryOf } = await import("../registry.js");
		const registry = registryOf(
			() => readAll(context.kernel, context.bpffs, undefined),
			version,
			(message) => context.env.err(`udplb: metrics: ${message}\n`),
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
