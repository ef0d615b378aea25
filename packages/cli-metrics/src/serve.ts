import {
	command,
	listenPositionals,
	metricsArgs,
	metricsOptions,
	values,
} from "@sluice/cli-kit";

const DEFAULT_TUNNELS = 1000;
const DEFAULT_DOCTOR = 60;

export const serve = command({
	usage: "serve <address> <port>",
	summary:
		"Serve metrics for Prometheus at /metrics and a web page at /, until stopped",
	positionals: listenPositionals,
	options: {
		...metricsOptions,
		tunnels: {
			type: "string",
			describe: `Tunnels up to which each has series of its own; of more there are sums alone [default: ${DEFAULT_TUNNELS}]`,
		},
		doctor: {
			type: "string",
			value: "seconds",
			describe: `Seconds between two runs of cli_doctor, whose findings are shown; 0: none [default: ${DEFAULT_DOCTOR}]`,
		},
	},
	examples: [
		[
			"serve 127.0.0.1 9500",
			"curl http://127.0.0.1:9500/metrics, or http://127.0.0.1:9500/ in a browser",
		],
	],
	parse: (args) => ({
		...metricsArgs(args),
		tunnels: values.u32(
			"tunnels",
			args.optional("tunnels") ?? String(DEFAULT_TUNNELS),
		),
		doctor: doctorInterval(args.optional("doctor")),
	}),
	async run({ tunnels, doctor, webConfig, ...listening }, context) {
		const { serveUntilStopped } = await import("@sluice/cli-kit/metrics");
		const { accessOf } = await import("@sluice/web-config");
		const access = accessOf(webConfig, context);
		const { collector } = await import("./collector.js");
		const { Live } = await import("./page/live.js");
		const live = new Live(context, doctor);
		// Before it listens: it fails where there are no tables.
		await live.start();
		const registry = collector(
			{
				read: () => live.readings(),
				findings: () => live.diagnosis?.findings,
				remoteMoves: (id) => live.moves.of(id),
			},
			tunnels,
		);
		try {
			await serveUntilStopped(
				context,
				registry,
				{ ...listening, access },
				({ href }) =>
					context.print([`listening on ${href}`], { listening: href }),
				live.answer,
			);
		} finally {
			live.stop();
		}
	},
});

const doctorInterval = (text = String(DEFAULT_DOCTOR)) =>
	text === "0" ? 0 : values.seconds("doctor", text);
