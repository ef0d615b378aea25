import { rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { TestFn } from "ava";
import { type Host, type Running, testbed } from "../index.js";
import { install, Machine, ownDirectory } from "./machine.js";

export const PROXY = "203.0.113.10";
export const GATEWAY = "203.0.113.2";
export const NODE = "192.168.7.2";
/** What the internet sees of the node. */
export const NAT = "198.51.100.7";
/** Of the node's pings, in seconds. */
export const PING_INTERVAL = 0.2;
export const KEY = "Pa55w0rd1234567";

/** The service's command line on either end. */
export const service = ({
	sid = "1 2",
	backend = `${NODE} 8080`,
	tunnel = "100",
	key = KEY,
} = {}) =>
	`cli_service set ${sid} tcp ${PROXY} 80 ${backend} ${tunnel} '${key}'`;

const SERVER =
	'require("http").createServer((_, answer) => answer.end("x".repeat(20000))).listen(8080, process.argv[1])';

/** The set-up of the README: client, gateway, and a node behind a NAT, with the internet between them. */
export class Site {
	readonly gateway: Machine;
	readonly node: Machine;
	readonly internet: Host;
	readonly nat: Host;
	readonly client: Host;
	#pings: Running | undefined;
	#server: Running | undefined;

	private constructor(
		hosts: Record<"client" | "internet" | "nat", Host> & {
			gateway: Machine;
			node: Machine;
		},
	) {
		this.gateway = hosts.gateway;
		this.node = hosts.node;
		this.internet = hosts.internet;
		this.nat = hosts.nat;
		this.client = hosts.client;
	}

	/** Everything attached, programmed and running. */
	static async make(teardown: (end: () => unknown) => void): Promise<Site> {
		const bed = testbed();
		const directory = ownDirectory();
		teardown(async () => {
			await bed.close();
			rmSync(directory, { recursive: true });
		});
		const internet = await bed.router("internet");
		const nat = await bed.router("nat");
		const client = await bed.host("client");
		const gateway = await bed.router("gateway");
		const node = await bed.host("node");
		const cable = (host: Host, name: string, address: string, far: string) =>
			bed.link(
				{ host, name: "eth0", addresses: [`${address}/24`] },
				{
					host: host === node ? nat : internet,
					name,
					addresses: [`${far}/24`],
				},
			);
		await cable(client, "client", "192.0.2.2", "192.0.2.1");
		await cable(gateway, "gateway", GATEWAY, "203.0.113.1");
		await cable(nat, "nat", NAT, "198.51.100.1");
		await cable(node, "lan", NODE, "192.168.7.1");
		await client.route("default", "192.0.2.1");
		await gateway.route("default", "203.0.113.1");
		await nat.route("default", "198.51.100.1");
		await node.route("default", "192.168.7.1");
		await internet.route(`${PROXY}/32`, GATEWAY);
		await nat.masquerade("eth0");
		const bin = await install(directory, gateway, node);
		const site = new Site({
			...{ client, internet, nat },
			gateway: new Machine(gateway, bin),
			node: new Machine(node, bin),
		});
		await site.gateway.sh(`attach_tc.sh eth0
			cli_cfg set 0 1 gue,dnat gateway
			cli_cfg set 1 1 proxy,snat,fib gateway
			cli_tunnel set 100 ${GATEWAY} 6080 0 0
			${service()}`);
		await site.node.sh(`attach_tc.sh eth0
			cli_cfg set 0 2 gue node
			cli_cfg set 1 2 fib node
			cli_tunnel set 100 ${NODE} 6080 ${GATEWAY} 6080
			${service()}`);
		await site.serve();
		await site.ping();
		// The first ping may take a while: until then there is no remote, whatever else a test breaks.
		if (!(await site.works())) throw new Error("the site does not work");
		return site;
	}

	/** Starts the node's server, on all addresses or on one. */
	async serve(address = "0.0.0.0"): Promise<void> {
		await this.#server?.stop();
		this.#server = this.node.host.spawn("node", ["-e", SERVER, address]);
		await this.node.sh(
			"until grep -q ':1F90 .* 0A' /proc/net/tcp; do sleep 0.05; done",
		);
	}

	async stopServing(): Promise<void> {
		await this.#server?.stop();
	}

	/** Starts the node's pings, often enough for the counters to rise. */
	async ping(): Promise<void> {
		await this.stopPinging();
		this.#pings = this.node.host.spawn("sh", [
			"-c",
			`PATH=${this.node.bin}:$PATH; exec cli_tunnel ping 100 --interval ${PING_INTERVAL}`,
		]);
	}

	async stopPinging(): Promise<void> {
		await this.#pings?.stop();
	}

	/** Whether a client is answered, whole, sooner or later. */
	async works(): Promise<boolean> {
		for (let i = 0; i < 20; i++) {
			const { stdout } = await this.client.run(
				"curl",
				["-sS", "--max-time", "2", `http://${PROXY}/`],
				{ reject: false },
			);
			if (stdout.length === 20_000) return true;
			await sleep(200);
		}
		return false;
	}

	/** The codes that cli_doctor finds on a machine while clients ask. */
	async diagnose(machine: Machine, through?: string) {
		// Several, and not at once: one whose requests stay without an answer may send nothing for a second.
		const asking = [0, 0.2, 0.4].map((seconds) =>
			this.client.spawn("sh", [
				"-c",
				`sleep ${seconds}; while :; do curl -s --max-time 0.5 -o /dev/null http://${PROXY}/; sleep 0.1; done`,
			]),
		);
		try {
			return (await machine.examine(through, 1)).findings;
		} finally {
			await Promise.all(asking.map((one) => one.stop()));
		}
	}
}

/** The site of a file's tests: made by the first that needs it, closed after the last. */
export function sharedSite(test: Pick<TestFn, "after">): () => Promise<Site> {
	const ends: (() => unknown)[] = [];
	let site: Promise<Site> | undefined;
	test.after.always(async () => {
		for (const end of ends) await end();
	});
	return () => {
		site ??= Site.make((end) => ends.push(end));
		return site;
	};
}
