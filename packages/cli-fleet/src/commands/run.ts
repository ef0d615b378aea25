import { hostname } from "node:os";
import {
	badInput,
	command,
	host,
	keepHeapSmall,
	servicePort,
} from "@sluice/cli-kit";
import { machineName } from "@sluice/machine";
import manifest from "../../package.json" with { type: "json" };
import { openStore, storeArgs, storeOptions } from "./options.js";

const DIRECTORY = "/var/lib/sluice/fleet";

/** Milliseconds between two looks at the tunnels. */
const TUNNELS = 30_000;

export const run = command({
	usage: "run",
	summary:
		"Keep this machine's tables equal to its document in etcd, until stopped",
	options: {
		machine: {
			type: "string",
			describe: "The name of this machine [default: its host name]",
		},
		...storeOptions,
		directory: {
			type: "string",
			value: "directory",
			describe: `Where the last good tables are kept, with the keys [default: ${DIRECTORY}]`,
		},
		metrics: {
			type: "string",
			value: "endpoint",
			describe: "Serve metrics for Prometheus on ADDRESS:PORT",
		},
	},
	examples: [
		[
			"run --machine gw1 --etcd https://10.0.0.1:2379 --ca ca.pem --cert gw1.pem --key gw1.key",
			"Until stopped",
		],
	],
	parse: (args, env) => ({
		machine: machineName("machine", args.optional("machine") ?? hostname()),
		store: storeArgs(args, env),
		directory: args.optional("directory") ?? DIRECTORY,
		metrics: metricsArg(args.optional("metrics")),
	}),
	async run({ machine, store, directory, metrics }, context) {
		keepHeapSmall();
		const { Agent } = await import("../agent/agent.js");
		const { EtcdSource } = await import("../agent/etcd-source.js");
		const { LastGoodFile } = await import("../agent/last-good.js");
		const { metricsOf } = await import("../agent/metrics.js");
		const { readTunnels } = await import("../agent/tunnels.js");
		const { registry, observer } = metricsOf(() => agent.hasDrifted());
		const signal = context.env.stopped?.() ?? new AbortController().signal;
		const source = new EtcdSource(await openStore(store), store.paths, machine);
		const agent = new Agent({
			machine,
			version: manifest.version,
			source,
			lastGood: new LastGoodFile(directory),
			context,
			observer,
		});
		const server = metrics && (await serve(registry, metrics));
		if (server)
			context.print([`metrics on ${server.url}`], { metrics: server.url });
		/** Undefined: the tables are replaced just now. */
		const tunnelsNow = () => {
			try {
				return readTunnels(context);
			} catch (error) {
				if ((error as { code?: string }).code === undefined) throw error;
				return undefined;
			}
		};
		let reported = "";
		const look = setInterval(async () => {
			const states = tunnelsNow();
			if (!states) return;
			// Only ages that say something: of a tunnel that is pinged, no minute is news.
			const now = JSON.stringify(
				states.map((one) => ({
					...one,
					pingAge: one.pingAge && one.pingAge < 60 ? 0 : one.pingAge,
				})),
			);
			if (now === reported) return;
			try {
				await source.reportTunnels(
					JSON.stringify({ at: new Date().toISOString(), tunnels: states }),
				);
				reported = now;
			} catch {
				// The store is not there: with the next look.
			}
		}, TUNNELS);
		try {
			await agent.run(signal);
		} finally {
			clearInterval(look);
			await server?.close();
		}
	},
});

async function serve(
	registry: Parameters<
		typeof import("@sluice/cli-kit/metrics")["serveMetrics"]
	>[0],
	{ address, port }: { address: string; port: number },
) {
	const { serveMetrics } = await import("@sluice/cli-kit/metrics");
	return serveMetrics(registry, address, port);
}

function metricsArg(text: string | undefined) {
	if (text === undefined) return undefined;
	const [, address, port] = /^(.*):([^:]+)$/.exec(text) ?? [];
	if (address === undefined || port === undefined)
		throw badInput(`metrics must be ADDRESS:PORT, got "${text}"`);
	return {
		address: host("address of metrics", address),
		port: servicePort("port of metrics", port),
	};
}
