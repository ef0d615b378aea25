import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Host, Running, Testbed } from "@sluice/testbed";
import { Terminal } from "../../true-ingress/src/terminal.js";
import { writeDocuments } from "./documents.js";
import { type Etcd, OPERATOR } from "./etcd.js";
import { type Network, network } from "./network.js";

/** Everything that an act needs. */
export interface Stage extends Network {
	terminal: Terminal;
	directory: string;
	files: Record<string, string>;
	etcd: Etcd;
	/** etcd's, in the order of their URLs. */
	members: Running[];
	/** By the name of the machine. */
	agents: Record<string, Running>;
}

/** etcd, attached programs, and an agent on each machine. */
export async function setUp(
	bed: Testbed,
	directory: string,
	etcd: Etcd,
): Promise<Stage> {
	const terminal = new Terminal();
	const net = await network(bed);
	const body = join(directory, "body");
	writeFileSync(body, randomBytes(5_000_000));
	const files = writeDocuments(directory);
	const stage: Stage = {
		...{ ...net, terminal, directory, files, etcd },
		members: [],
		agents: {},
	};
	terminal.title("etcd, the programs, and an agent on each machine");
	stage.members = await Promise.all(
		Array.from({ length: etcd.size }, (_, i) => startMember(stage, i)),
	);
	for (const line of etcd.begin) await terminal.run(net.store, line);
	for (const host of [...net.gateways, net.node]) {
		await terminal.run(host, "scripts/attach_tc.sh eth0");
		await startAgent(stage, host);
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
	return stage;
}

const startMember = (
	{ terminal, store, etcd }: Stage,
	i: number,
	options = "",
): Promise<Running> =>
	terminal.start(
		store,
		`${etcd.line(i)} --logger zap --log-outputs stdout${options}`,
		/published local member/,
	);

/** Kills members and starts them again. @param between is done meanwhile */
export async function restart(
	stage: Stage,
	which: readonly number[],
	between = async () => {},
	options = "",
): Promise<void> {
	for (const i of which) {
		const member = stage.members[i] as Running;
		await stage.terminal.run(stage.store, `kill -9 ${member.pid}`);
		await member.ended;
	}
	await between();
	await Promise.all(
		which.map(async (i) => {
			stage.members[i] = await startMember(stage, i, options);
		}),
	);
}

/** @param environment variables for the agent, as a shell has them */
export async function startAgent(
	{ terminal, directory, etcd, agents }: Stage,
	host: Host,
	environment = "",
): Promise<void> {
	agents[host.name] = await terminal.start(
		host,
		`${environment && `env ${environment} `}cli_fleet run --machine ${host.name} ${etcd.access(host.name)} --directory ${directory}/${host.name} --metrics 127.0.0.1:9436`,
		/metrics on.*/,
	);
}

/** As `startAgent`, once the present one is killed. */
export async function restartAgent(
	stage: Stage,
	host: Host,
	environment = "",
): Promise<void> {
	const agent = stage.agents[host.name] as Running;
	await stage.terminal.run(host, `kill -9 ${agent.pid}`);
	await agent.ended;
	await startAgent(stage, host, environment);
}

/** Runs cli_fleet where an operator would, and expects it to succeed. */
export const fleet = (
	{ terminal, store, etcd }: Stage,
	line: string,
): Promise<string> =>
	terminal.run(store, `cli_fleet ${line} ${etcd.access(OPERATOR)}`);

/** A new generation for both ends of a link, which their agents have to apply. */
export const pushAgain = (stage: Stage) =>
	fleet(stage, `push ${stage.files.echo} --max-delete 0 --wait=90`);

/** As `fleet`, and expects it to fail. */
export const fails = (stage: Stage, line: string): Promise<string> =>
	stage.terminal.run(
		stage.store,
		`! cli_fleet ${line} ${stage.etcd.access(OPERATOR)}`,
	);

export const etcdctl = (
	{ terminal, store, etcd }: Stage,
	line: string,
): Promise<string> =>
	terminal.run(store, `export ${etcd.etcdctl}; etcdctl ${line}`);

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
