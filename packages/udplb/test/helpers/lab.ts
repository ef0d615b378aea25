import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type Host, type Running, Testbed } from "@sluice/testbed";
import { Agent } from "./agent.js";

export const CLIENT = "10.0.1.2";
export const CLIENT6 = "fd01::2";
/** The key of most configurations. */
export const BOX = "10.0.1.1";
export const BOX6 = "fd01::1";
export const PORT = 1111;
/** Ten upstreams on one host, as `10.0.2.11` to `10.0.2.20`. */
export const UPSTREAMS = Array.from(
	{ length: 10 },
	(_, i) => `10.0.2.${11 + i}`,
);
export const UPSTREAM = UPSTREAMS[0] as string;
export const UPSTREAM6 = "fd02::11";
/** Behind the upstreams' host, which is the gateway to it. */
export const FAR = "10.0.3.2";

const udplb = path.join(import.meta.dirname, "../../dist/udplb.cjs");

/** Client – box – upstreams – far host, with an agent in each. */
export class Lab {
	readonly bed = new Testbed();
	client!: Host;
	box!: Host;
	upstream!: Host;
	far!: Host;
	readonly agents!: Record<"client" | "box" | "upstream" | "far", Agent>;
	#server: Running | undefined;
	readonly #directory = mkdtempSync(path.join(tmpdir(), "udplb-"));

	static async make(): Promise<Lab> {
		if (!existsSync(udplb))
			throw new Error(`${udplb} is not there: run "npm run build" first`);
		const lab = new Lab();
		await lab.#build();
		return lab;
	}

	async #build(): Promise<void> {
		const { bed } = this;
		this.client = await bed.host("client");
		this.box = await bed.router("box");
		this.upstream = await bed.router("upstream");
		this.far = await bed.host("far");
		const { client, box, upstream, far } = this;
		const sources = Array.from(
			{ length: 40 },
			(_, i) => `10.0.1.${100 + i}/24`,
		);
		await bed.link(
			{
				host: client,
				name: "c0",
				addresses: [`${CLIENT}/24`, `${CLIENT6}/64`, ...sources],
			},
			{ host: box, name: "b0", addresses: [`${BOX}/24`, `${BOX6}/64`] },
		);
		await bed.link(
			{ host: box, name: "b1", addresses: ["10.0.2.1/24", "fd02::1/64"] },
			{
				host: upstream,
				name: "u0",
				addresses: [
					"10.0.2.2/24",
					`${UPSTREAM6}/64`,
					...UPSTREAMS.map((one) => `${one}/24`),
				],
			},
		);
		await bed.link(
			{ host: upstream, name: "u1", addresses: ["10.0.3.1/24"] },
			{ host: far, name: "f0", addresses: [`${FAR}/24`] },
		);
		await client.route("default", BOX);
		await client.route("default", BOX6);
		await upstream.route("default", "10.0.2.1");
		await box.route("10.0.3.0/24", "10.0.2.2");
		await far.route("default", "10.0.3.1");
		(this as { agents: unknown }).agents = {
			client: new Agent(client),
			box: new Agent(box),
			upstream: new Agent(upstream),
			far: new Agent(far),
		};
	}

	/** Writes a configuration file and gives its path. */
	write(text: string, name = "config.yaml"): string {
		const file = path.join(this.#directory, name);
		writeFileSync(file, text);
		return file;
	}

	/** Starts udplb on the box, in place of one that a failed test has left, and waits until it serves. */
	async serve(text: string, ...options: string[]): Promise<Running> {
		await this.stop();
		const file = this.write(text);
		const server = this.box.spawn(process.execPath, [
			udplb,
			...["-i", "b0", "-c", file, ...options],
		]);
		this.#server = server;
		await server.ready(/serving/, "stderr");
		return server;
	}

	/** Ends the server that is still running, if there is one. */
	async stop(): Promise<void> {
		await this.#server?.stop();
	}

	/** Runs udplb on the box to its end. */
	run(...args: string[]) {
		return this.box.run(process.execPath, [udplb, ...args], { reject: false });
	}

	/** Writes another configuration and has a server take it over. */
	async reload(server: Running, text: string): Promise<void> {
		this.write(text);
		const before = server.stderr.length;
		await this.box.run("kill", ["-HUP", String(server.pid)]);
		await server.ready(
			new RegExp(`^[^]{${before}}[^]*(reloaded|stays)`),
			"stderr",
		);
	}

	async close(): Promise<void> {
		await this.bed.close();
		rmSync(this.#directory, { recursive: true });
	}
}

export interface KeyOptions {
	address?: string;
	port?: number;
	action?: "pass" | "block";
	strategy?: "src-ip" | "src-port";
	/** Addresses, or addresses with a weight. */
	upstreams?: readonly (string | [address: string, weight: number])[];
	upstreamPort?: number;
}

/** One entry of a configuration. */
export function key({
	address = BOX,
	port = PORT,
	action = "block",
	strategy = "src-port",
	upstreams = [UPSTREAM],
	upstreamPort = 2222,
}: KeyOptions = {}): string {
	const lines = upstreams.map((one) => {
		const [host, weight] = typeof one === "string" ? [one, 1] : one;
		return `    - { address: "${host}", port: ${upstreamPort}, weight: ${weight} }\n`;
	});
	return `- key:
    address: "${address}"
    port: ${port}
  options:
    tc_action: ${action}
    strategy: ${strategy}
  upstream:
${lines.join("")}`;
}
