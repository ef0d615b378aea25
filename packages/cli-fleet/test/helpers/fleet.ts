import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Cli, command } from "@sluice/cli-kit";
import { PinnedTables } from "@sluice/cli-kit/testing";
import {
	ALL,
	documentOf,
	isDrifted,
	lastApplied,
	type Options,
	openApplied,
	perform,
	rowsOfMachine,
} from "@sluice/machine";
import { needs, ownNamespaces, testWith } from "@sluice/testbed";
import {
	findings,
	type Opener,
	openServiceTables,
	openTunnelTables,
	tunnelPins,
} from "@sluice/tunnel";
import test, { type ExecutionContext } from "ava";
import type { AgentStatus } from "../../src/agent/status.js";
import { cli } from "../../src/cli.js";
import { Etcd } from "../../src/etcd/etcd.js";
import { Paths } from "../../src/rows/paths.js";
import { EtcdServer } from "./etcd.js";

/** What the kernel has: the document of a machine's tables, and whether they are as they were applied. */
export interface Kernel {
	generation: number;
	drifted: boolean;
	document: { config: object[]; tunnels: object[]; services: object[] };
}

const kernel: Cli = {
	name: "kernel",
	summary: "the kernel without a store",
	version: "0",
	pins: tunnelPins,
	commands: [
		command({
			usage: "$0",
			summary: "what is in the kernel",
			parse: () => undefined,
			run(_, context) {
				const last = lastApplied(openApplied(context, { readOnly: true }));
				const { config, tunnels, services } = documentOf(
					rowsOfMachine(context, ALL, true),
					"",
					1n,
				);
				context.print([], {
					generation: Number(last?.generation ?? 0n),
					drifted: isDrifted(context) === true,
					document: { config, tunnels, services },
				});
			},
		}),
		command({
			usage: "apply",
			summary: "apply a document, as cli_apply does",
			parse: (_, env) => ({ file: "-", bytes: Buffer.from(env.input()) }),
			run(input, context) {
				perform(input, BY_HAND, context);
			},
		}),
	],
};

const BY_HAND: Options = {
	dryRun: false,
	guarded: true,
	generation: undefined,
	mostDeletes: undefined,
	allowEmpty: false,
	forceOwner: false,
	only: ALL,
};

/** A machine of the fleet: tables of its own, and an agent that may run. */
export class Machine {
	readonly name: string;
	tables = new PinnedTables();
	readonly directory = mkdtempSync(path.join(tmpdir(), "fleet-state-"));
	readonly #fleet: Fleet;
	#stop: AbortController | undefined;
	#ended: Promise<{ out: string }> | undefined;
	/** What the agent that was stopped last has printed. */
	printed = "";

	constructor(name: string, fleet: Fleet) {
		this.name = name;
		this.#fleet = fleet;
	}

	/** Starts its agent. */
	start(options: readonly string[] = []): void {
		const stop = new AbortController();
		this.#stop = stop;
		this.#ended = this.tables.run(
			cli,
			[
				"run",
				...["--machine", this.name, "--directory", this.directory],
				...options,
			],
			{
				vars: { SLUICE_ETCD: this.#fleet.urls },
				stopped: stop.signal,
			},
		);
	}

	async stop(): Promise<void> {
		this.#stop?.abort();
		this.printed = (await this.#ended)?.out ?? "";
	}

	async kernel(): Promise<Kernel> {
		const { out } = await this.tables.run(kernel, "--json");
		return JSON.parse(out) as Kernel;
	}

	/** Applies a document without the store, as cli_apply does. */
	applyByHand(document: unknown) {
		return this.tables.run(kernel, "apply", {
			input: JSON.stringify(document),
		});
	}

	/** What `cli_service check` finds. */
	findings() {
		const opener: Opener = {
			staged: false,
			openTable: (table) => this.tables.open(table),
		};
		return findings(openServiceTables(opener), openTunnelTables(opener));
	}

	/** Waits until its agent says so in the store. */
	async until(is: (status: AgentStatus) => boolean): Promise<AgentStatus> {
		while (!this.#fleet.isClosed) {
			const key = `${this.#fleet.paths.status(this.name)}agent`;
			const row = await this.#fleet.etcd.get(key).catch(() => undefined);
			const status = row && (JSON.parse(row.value) as AgentStatus);
			if (status && is(status)) return status;
			await sleep(20);
		}
		throw new Error(`${this.name}: the fleet was closed meanwhile`);
	}

	applied(generation: number): Promise<AgentStatus> {
		return this.until(
			({ applied, refused }) => applied >= generation && !refused,
		);
	}

	refused(code: string): Promise<AgentStatus> {
		return this.until(({ refused }) => refused?.code === code);
	}

	async close(): Promise<void> {
		await this.stop();
		this.tables.close();
		rmSync(this.directory, { recursive: true });
	}
}

/** etcd and machines, in this process's own namespaces. */
export class Fleet {
	readonly members: readonly EtcdServer[];
	readonly paths = new Paths("/sluice/v1");
	readonly #machines: Machine[] = [];
	isClosed = false;
	/** For what a test writes and reads itself. */
	readonly etcd: Etcd;

	private constructor(members: readonly EtcdServer[]) {
		this.members = members;
		this.etcd = new Etcd({
			endpoints: members.map(({ url }) => url),
			tls: undefined,
		});
	}

	static async start(size = 1): Promise<Fleet> {
		const members = Array.from(
			{ length: size },
			(_, i) => new EtcdServer(`m${i}`),
		);
		for (const one of members) one.spawn(members);
		await Promise.all(members.map((one) => one.ready()));
		return new Fleet(members);
	}

	get urls() {
		return this.members.map(({ url }) => url).join(",");
	}

	machine(name: string): Machine {
		const machine = new Machine(name, this);
		this.#machines.push(machine);
		return machine;
	}

	/** Runs cli_fleet; documents are given on standard input. */
	async cli(line: string, document?: unknown) {
		const [machine] = this.#machines;
		return (machine as Machine).tables.run(cli, line, {
			vars: { SLUICE_ETCD: this.urls },
			...(document === undefined ? {} : { input: JSON.stringify(document) }),
		});
	}

	/** Writes a row without a commit, as no program does. */
	async write(machine: string, key: string, value: string): Promise<void> {
		await this.etcd.put(this.paths.machine(machine) + key, value);
	}

	async close(): Promise<void> {
		this.isClosed = true;
		await Promise.all(this.#machines.map((one) => one.close()));
		this.etcd.close();
		await Promise.all(this.members.map((one) => one.close()));
	}
}

if (process.getuid?.() === 0)
	test.before(() => {
		ownNamespaces();
		execFileSync("ip", ["link", "set", "lo", "up"]);
	});

// One after the other: each has etcd and agents, and calls that have to be answered in time.
const declare = testWith(test.serial, needs.root, needs.bpf);

/** `test` with a fleet of its own, whose etcd has so many members. */
export const it = (
	title: string,
	body: (t: ExecutionContext, fleet: Fleet) => Promise<void>,
	members = 1,
) =>
	declare(title, async (t) => {
		const fleet = await Fleet.start(members);
		t.teardown(() => fleet.close());
		await body(t, fleet);
	});
