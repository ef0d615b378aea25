import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** Ports of this process's own network namespace, which no other process uses. */
let port = 23_000;

/** A member of etcd on loopback, with a data directory of its own. */
export class EtcdServer {
	readonly name: string;
	readonly port = ++port;
	readonly peerPort = ++port;
	readonly #directory: string;
	readonly options: string[];
	#process: ChildProcess | undefined;

	constructor(name = "default", options: readonly string[] = []) {
		this.name = name;
		this.options = [...options];
		this.#directory = mkdtempSync(path.join(tmpdir(), "fleet-etcd-"));
	}

	get scheme() {
		return this.options.includes("--client-cert-auth") ? "https" : "http";
	}

	get url() {
		return `${this.scheme}://127.0.0.1:${this.port}`;
	}

	get peerUrl() {
		return `http://127.0.0.1:${this.peerPort}`;
	}

	get data() {
		return path.join(this.#directory, "data");
	}

	get pid(): number {
		return this.#process?.pid as number;
	}

	/** Starts it, and waits until it answers. @param cluster all members, itself among them */
	async start(cluster: readonly EtcdServer[] = [this]): Promise<void> {
		this.spawn(cluster);
		await this.ready();
	}

	spawn(cluster: readonly EtcdServer[] = [this]): void {
		this.#process = spawn(
			"etcd",
			[
				...["--name", this.name, "--data-dir", this.data],
				...["--listen-client-urls", this.url],
				...["--advertise-client-urls", this.url],
				...["--listen-peer-urls", this.peerUrl],
				...["--initial-advertise-peer-urls", this.peerUrl],
				"--initial-cluster",
				cluster.map((one) => `${one.name}=${one.peerUrl}`).join(","),
				...["--log-level", "error", "--logger", "zap"],
				...this.options,
			],
			{ stdio: "ignore" },
		);
	}

	async ready(): Promise<void> {
		for (;;) {
			const socket = createConnection(this.port, "127.0.0.1");
			try {
				await once(socket, "connect");
				return;
			} catch {
				await sleep(50);
			} finally {
				socket.destroy();
			}
		}
	}

	signal(signal: NodeJS.Signals): void {
		this.#process?.kill(signal);
	}

	async stop(): Promise<void> {
		const running = this.#process;
		this.#process = undefined;
		if (running?.exitCode !== null || running.signalCode !== null) return;
		const ended = once(running, "exit");
		running.kill("SIGKILL");
		await ended;
	}

	async close(): Promise<void> {
		await this.stop();
		rmSync(this.#directory, { recursive: true, force: true });
	}
}
