import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Env, Kernel } from "@sluice/cli-kit";
import { ask, type Interface } from "@sluice/iproute";
import type { Address } from "@sluice/maps/address";
import { defaultBpffs, isBpffs, tcPins } from "@sluice/maps/bpffs";
import { BpfError } from "@sluice/maps/errors";
import type { Table } from "@sluice/maps/table";
import {
	configTable,
	type Direction,
	trafficTable,
	tunnelTable,
	verifyTable,
} from "@sluice/maps/tables";
import {
	isGatewayRow,
	type Opener,
	type OutcomeCount,
	readOutcomes,
} from "@sluice/tunnel";
import { type Attached, attachedPrograms } from "@sluice/tunnel/hooks";

import {
	missingCapabilities,
	type ProcessStatus,
	processStatus,
} from "./process-status.js";

/** A check cannot be made: something that it needs is missing, which is a finding of another check. */
export class CannotLook extends Error {}

export interface Options {
	/** Between the two readings of the counters. */
	seconds: number;
	/** At which nodes ping, in seconds. */
	pingInterval: number;
}

/** What the checks look at. Each look is taken once. */
export class World {
	readonly env: Env;
	readonly bpffs: string;
	readonly status: ProcessStatus;
	/** The binding to the kernel, or why there is none. */
	readonly binding: Kernel | BpfError;
	/** Of the command line. */
	readonly options: Options;
	readonly #seen = new Map<string, unknown>();

	constructor(
		env: Env,
		bpffs: string,
		binding: Kernel | BpfError,
		options: Options,
	) {
		this.options = options;
		this.env = env;
		this.bpffs = bpffs;
		this.binding = binding;
		this.status = processStatus();
	}

	get pins(): string {
		return tcPins(this.bpffs);
	}

	/** @throws CannotLook without libbpf */
	get kernel(): Kernel {
		if (this.binding instanceof BpfError) throw new CannotLook("no libbpf");
		return this.binding;
	}

	/** The binding, with the rights to read programs and tables. @throws CannotLook */
	get rights(): Kernel {
		const missing = missingCapabilities(this.status);
		if (missing.length > 0) throw new CannotLook(`no ${missing.join(", ")}`);
		return this.kernel;
	}

	/** 0, or the errno with which the kernel refuses a program that does nothing. */
	trial(): number {
		return this.#once("trial", () => this.rights.tryProgram());
	}

	/** A kernel that takes programs. @throws CannotLook */
	get willing(): Kernel {
		if (this.trial() !== 0)
			throw new CannotLook("the kernel takes no program from here");
		return this.rights;
	}

	get isPinned(): boolean {
		return isBpffs(this.bpffs) && existsSync(join(this.pins, configTable.name));
	}

	/** All entries of a pinned table; none where nothing is pinned. @throws CannotLook */
	entries<K, V>(table: Table<K, V>): [K, V][] {
		return this.#once(table.name, () => {
			if (!this.isPinned) return [];
			const open = this.#openTable(table);
			try {
				return [...open.entries()];
			} finally {
				open.close();
			}
		});
	}

	config = () => this.entries(configTable);
	tunnels = () => this.entries(tunnelTable);
	services = () => this.entries(verifyTable);
	traffic = () => this.entries(trafficTable);

	/** The pinned tables, for reading. @throws CannotLook */
	get opener(): Opener {
		return { staged: false, openTable: (table) => this.#openTable(table) };
	}

	/** The counters when this machine was first looked at; none where nothing is pinned. @throws CannotLook */
	firstCounts = (): { time: number; counts: OutcomeCount[] } =>
		this.#once("counts", () => ({
			time: performance.now(),
			counts: this.isPinned ? readOutcomes(this.opener) : [],
		}));

	/** Whether a config row makes this machine a gateway. */
	get isGateway(): boolean {
		return this.config().some(([key, row]) => isGatewayRow(key, row));
	}

	/** The interfaces that have our program in this direction. */
	async devicesWith(direction: Direction): Promise<string[]> {
		const attached = await this.attached();
		return attached
			.filter((one) => one.direction === direction)
			.map(({ device }) => device);
	}

	interfaces(): Promise<Interface[]> {
		return this.#once("interfaces", async () => {
			const answer = await needed(ask<Interface>("ip", "address", "show"));
			return "rows" in answer ? answer.rows : [];
		});
	}

	/** Whether an address is one of this machine's. */
	async isLocal(address: Address): Promise<boolean> {
		return this.#once(`local ${address}`, async () => {
			const interfaces = await this.interfaces();
			return interfaces.some(({ addr_info }) =>
				addr_info.some(({ local }) => local === String(address)),
			);
		});
	}

	attached(): Promise<Attached[]> {
		return this.#once("attached", () => needed(attachedPrograms(this.rights)));
	}

	#openTable<K, V>(table: Table<K, V>) {
		try {
			return this.rights.openTable(table, this.pins, { readOnly: true });
		} catch (error) {
			if (error instanceof BpfError) throw new CannotLook(error.message);
			throw error;
		}
	}

	#once<T>(what: string, look: () => T): T {
		if (!this.#seen.has(what)) this.#seen.set(what, look());
		return this.#seen.get(what) as T;
	}
}

/** @throws CannotLook without iproute2 */
export async function needed<T>(asked: Promise<T>): Promise<T> {
	try {
		return await asked;
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT")
			throw new CannotLook("no iproute2");
		throw error;
	}
}

export async function lookAround(
	env: Env,
	bpffs = defaultBpffs(env.vars),
	options: Options,
): Promise<World> {
	try {
		return new World(env, bpffs, await env.kernel(), options);
	} catch (error) {
		if (error instanceof BpfError) return new World(env, bpffs, error, options);
		throw error;
	}
}
