import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Running, Testbed } from "@sluice/testbed";
import { Terminal } from "../../true-ingress/src/terminal.js";
import { writeDocuments } from "./documents.js";
import { type Network, network, STORE } from "./network.js";

/** Everything that an act needs. */
export interface Stage extends Network {
	terminal: Terminal;
	directory: string;
	files: Record<string, string>;
	/** What reaches etcd, for each command line. */
	url: string;
	etcd: Running;
	/** By the name of the machine. */
	agents: Record<string, Running>;
}

export const PORT = 2379;

/** etcd, attached programs, and an agent on each machine. */
export async function setUp(bed: Testbed, directory: string): Promise<Stage> {
	const terminal = new Terminal();
	const net = await network(bed);
	const body = join(directory, "body");
	writeFileSync(body, randomBytes(5_000_000));
	const files = writeDocuments(directory);
	const url = `http://${STORE}:${PORT}`;
	terminal.title("etcd, the programs, and an agent on each machine");
	const etcd = await startEtcd({ ...net, terminal, directory, url });
	const agents: Stage["agents"] = {};
	for (const host of [...net.gateways, net.node]) {
		await terminal.run(host, "scripts/attach_tc.sh eth0");
		agents[host.name] = await startAgent({ terminal, directory, url }, host);
	}
	for (const host of net.gateways)
		await host.sysctl({
			"net/ipv4/ip_forward": 1,
			"net/ipv4/conf/all/send_redirects": 0,
			"net/ipv4/conf/eth0/send_redirects": 0,
		});
	await terminal.start(
		net.node,
		`node --import=tsx examples/true-ingress/src/server.ts ${body}`,
		/listening.*/,
	);
	return { ...net, terminal, directory, files, url, etcd, agents };
}

export const startEtcd = (
	{
		terminal,
		store,
		directory,
		url,
	}: Pick<Stage, "terminal" | "store" | "directory" | "url">,
	options = "",
) =>
	terminal.start(
		store,
		`etcd --data-dir ${directory}/etcd --listen-client-urls ${url} --advertise-client-urls ${url} --logger zap --log-outputs stdout${options}`,
		/published local member/,
	);

export const startAgent = (
	{ terminal, directory, url }: Pick<Stage, "terminal" | "directory" | "url">,
	host: Network["node"],
) =>
	terminal.start(
		host,
		`cli_fleet run --machine ${host.name} --etcd ${url} --directory ${directory}/${host.name} --metrics 127.0.0.1:9436`,
		/metrics on.*/,
	);

/** Runs cli_fleet where an operator would, and expects it to succeed. */
export const fleet = (
	{ terminal, store, url }: Stage,
	line: string,
): Promise<string> => terminal.run(store, `cli_fleet ${line} --etcd ${url}`);

/** Packets that go through the tunnel while something else happens. @returns how many went and came */
export async function whileTraffic(
	{ client, terminal }: Stage,
	proxy: string,
	act: () => Promise<void>,
): Promise<{ sent: number; received: number }> {
	const traffic = await terminal.start(
		client,
		`node --import=tsx examples/fleet/src/traffic.ts ${proxy} 9000`,
		/sending/,
	);
	await act();
	await client.run("kill", [String(traffic.pid)]);
	await traffic.ended;
	const [, sent, received] =
		/sent (\d+), received (\d+)/.exec(traffic.stdout) ?? [];
	return { sent: Number(sent), received: Number(received) };
}
