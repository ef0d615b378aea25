import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import {
	type Host,
	needs,
	type Running,
	Testbed,
	testWith,
} from "@sluice/testbed";
import test from "ava";
import { Agent } from "./agent.js";
import {
	BOX,
	BOX6,
	CLIENT,
	CLIENT6,
	FAR,
	UPSTREAM6,
	UPSTREAMS,
} from "./site.js";

/** Tests with a lab run one after the other. */
export const it = testWith(test.serial as typeof test, needs.root, needs.bpf);

/** The lab of a file's tests. @param prepare what all of them need, e.g. who listens where */
export function sharedLab(prepare: (lab: Lab) => Promise<unknown>): Lab {
	const lab = new Lab();
	test.before(async () => {
		await lab.build();
		await prepare(lab);
	});
	test.after.always(() => lab.close());
	return lab;
}

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

	/** Makes the hosts and starts their agents. */
	async build(): Promise<void> {
		if (!existsSync(udplb))
			throw new Error(`${udplb} is not there: run "npm run build" first`);
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
