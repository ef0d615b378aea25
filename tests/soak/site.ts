import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Host, Running } from "@sluice/testbed";
import { bin, cli } from "../helpers/cli.js";
import { addresses, type Network, network } from "../helpers/network.js";
import { configure, serve } from "../helpers/program.js";
import {
	backend,
	startConnects,
	startFlow,
	startLoad,
	steered,
} from "../helpers/traffic.js";
import { watchCore } from "../helpers/watch.js";

const { proxy, node: nodeAddress, gateway: gatewayAddress } = addresses[4];

/** Two keys of udplb, the gateway's own address on this port and the next. */
const KEY = "10.1.0.1";
const PORT = 5000;
/** Both are the core's. */
const UPSTREAMS = ["10.2.0.1", "10.4.0.1"];
const UPSTREAM_PORT = 6000;
const STEERED = 7100;

/** The programs of one kind that go on for the whole soak. */
export type Daemon = "udplb" | "cli_metrics" | "cli_tunnel" | "tubectl";

/**
 * A network with everything in it: a TCP and a UDP service through a tunnel whose remote is learned, one whose backend
 * is reached by socket steering, udplb beside the tunnel programs on the gateway, and the traffic of all.
 */
export class Site {
	readonly net: Network;
	readonly #directory = mkdtempSync(path.join(tmpdir(), "soak-"));
	/** Of the first service, which rotates. */
	key = "key";
	readonly daemons = new Map<Daemon, Running>();
	/** Reads how many packets of the services left in the clear: to the backend, and to the client. */
	inClear!: () => Promise<number[]>;
	/** What carries load; each can pause. */
	traffic!: Traffic;

	private constructor(net: Network) {
		this.net = net;
	}

	/** @param rate messages a second over TCP, as many over UDP, and half as many through udplb */
	static async make(rate: number): Promise<Site> {
		const net = await network({ timeout() {}, teardown() {} } as never);
		const site = new Site(net);
		await site.#serve();
		await site.#steer();
		await site.#countUpstream();
		await site.startUdplb();
		await site.startDaemons();
		const { client, core } = net;
		site.inClear = await watchCore(core);
		site.traffic = {
			load: await startLoad(client, proxy, { tcp: 70, udp: 90 }, rate),
			connects: await startConnects(client, proxy, 71),
			flow: await startFlow(client, KEY, PORT, 2, rate / 2),
		};
		return site;
	}

	async #serve(): Promise<void> {
		const { gateway, node } = this.net;
		await configure(this.net);
		await cli(gateway, `cli_tunnel set 4 ${gatewayAddress} 6080 0 0`);
		await cli(
			node,
			`cli_tunnel set 4 ${nodeAddress} 6080 ${gatewayAddress} 6080`,
		);
		const ends = [gateway, node];
		await serve(ends, { inside: 4, tunnel: 4, group: 1, tcp: 70, udp: 90 });
		for (const host of ends)
			await cli(
				host,
				`cli_service set 3 1 tcp ${proxy} 71 ${nodeAddress} 71 4 key`,
			);
		await backend(node, { http: 80, udp: 90, tcp: 70 });
		await cli(node, "cli_tunnel ping 4 --count 1");
	}

	/** The backend of the third service, by a binding. */
	async #steer(): Promise<void> {
		const { node } = this.net;
		await cli(node, "tubectl load");
		await cli(node, `tubectl bind echo tcp ${nodeAddress} 71`);
		const { pid } = await steered(node, STEERED);
		this.register = `tubectl register-pid ${pid} echo tcp 127.0.0.1 ${STEERED}`;
		await cli(node, this.register);
	}

	/** Registers the server that is steered to. */
	register = "";

	async #countUpstream(): Promise<void> {
		await this.net.core.run("nft", ["-f", "-"], {
			input: `table ip upstream {
				chain input {
					type filter hook input priority 0
					udp dport ${UPSTREAM_PORT} counter drop
				}
			}`,
		});
	}

	async startDaemons(): Promise<void> {
		const { gateway, node } = this.net;
		await this.start(
			"cli_metrics",
			gateway,
			["serve", "127.0.0.1", "9500"],
			/listening/,
		);
		await this.start("tubectl", node, ["metrics", "127.0.0.1", "9501"]);
		await this.start("cli_tunnel", node, ["ping", "4", "--interval", "1"], /./);
	}

	/** Ends the program of that kind, if one runs, and starts another. */
	async start(
		kind: Daemon,
		host: Host,
		args: readonly string[],
		ready?: RegExp,
	): Promise<void> {
		await this.daemons.get(kind)?.stop();
		const daemon = host.spawn(process.execPath, [bin(kind), ...args]);
		this.daemons.set(kind, daemon);
		if (ready)
			await Promise.race([daemon.ready(ready), daemon.ready(ready, "stderr")]);
	}

	/** Starts udplb, in the place of one that may run. */
	async startUdplb(...options: string[]): Promise<void> {
		this.configure(UPSTREAMS.length);
		const daemon = this.net.gateway.spawn(process.execPath, [
			bin("udplb"),
			...["-i", "lan", "-c", this.configuration, ...options],
		]);
		await daemon.ready(/serving/, "stderr");
		this.daemons.set("udplb", daemon);
	}

	get configuration(): string {
		return path.join(this.#directory, "udplb.yaml");
	}

	/** A file of this text. */
	file(name: string, text: string): string {
		const file = path.join(this.#directory, name);
		writeFileSync(file, text);
		return file;
	}

	/** Writes udplb's configuration, with the first `count` upstreams. */
	configure(count: number): void {
		const upstreams = UPSTREAMS.slice(0, count);
		const keys = [PORT, PORT + 1].map((port) => ({
			key: { address: KEY, port },
			options: { tc_action: "block" },
			upstream: upstreams.map((address) => ({ address, port: UPSTREAM_PORT })),
		}));
		this.file("udplb.yaml", JSON.stringify(keys));
	}

	async reloadUdplb(upstreams: number): Promise<void> {
		this.configure(upstreams);
		const daemon = this.daemons.get("udplb") as Running;
		const before = daemon.stderr.length;
		await this.net.gateway.run("kill", ["-HUP", String(daemon.pid)]);
		await daemon.ready(new RegExp(`^[^]{${before}}[^]*reloaded`), "stderr");
	}

	/** Has every server of metrics read its tables. */
	async scrape(): Promise<void> {
		const { gateway, node } = this.net;
		for (const [host, port] of [
			[gateway, 9500],
			[node, 9501],
		] as const)
			await host.run("curl", [
				...["--silent", "--show-error", "--fail", "--output", "/dev/null"],
				`http://127.0.0.1:${port}/metrics`,
			]);
	}

	/**
	 * Does what no datagram can survive while none is under way, and waits until the path is there again. TCP goes on:
	 * it repeats what is lost.
	 */
	async rest(act: () => Promise<void>): Promise<void> {
		const { load, flow } = this.traffic;
		load.pause();
		flow.pause();
		await sleep(200);
		for (let tries = 0; tries < 50; tries++) {
			const { udp, late } = await load.look();
			if (udp.sent === udp.answered + late) break;
			await sleep(100);
		}
		await act();
		await this.net.client.run("ping", ["-c1", "-w20", gatewayAddress]);
		await this.net.gateway.run("ping", ["-c1", "-w20", nodeAddress]);
		load.go();
		flow.go();
	}

	/** Datagrams that udplb's upstreams got. */
	async forwarded(): Promise<number> {
		const { stdout } = await this.net.core.run("nft", [
			...["list", "table", "ip", "upstream"],
		]);
		return Number(/packets (\d+)/.exec(stdout)?.[1]);
	}

	close(): void {
		rmSync(this.#directory, { recursive: true });
	}
}

export type Traffic = {
	load: Awaited<ReturnType<typeof startLoad>>;
	connects: Awaited<ReturnType<typeof startConnects>>;
	flow: Awaited<ReturnType<typeof startFlow>>;
};
