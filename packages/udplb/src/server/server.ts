import { Failure } from "@sluice/cli-kit";
import {
	interfaceName,
	lockHolders,
	openRing,
	type Ring,
	tryLock,
} from "@sluice/maps";
import { type Config, readConfig } from "../config/read.js";
import type { Rule } from "../config/rule.js";
import { lostEvents } from "../counters/lost.js";
import { countRestored } from "../counters/restored.js";
import { attach, detach, findFilter } from "../machine/filter.js";
import type { Interface } from "../machine/interface.js";
import {
	type Addresses,
	addressesOf,
	lookUpNames,
	refuseLoopback,
	requireAddresses,
} from "../machine/names.js";
import { Neighbours } from "../machine/neighbours.js";
import { findRoutes, type Routes, sameRoutes } from "../machine/routes.js";
import { apply, type Change } from "../tables/apply.js";
import { type Generation, load } from "../tables/generation.js";
import {
	makePinDirectory,
	pinDirectory,
	pinDirectoryByName,
	pinnedInterfaces,
	programPin,
	removePins,
} from "../tables/pins.js";
import { NoRoom, Placement, sizesFor } from "../tables/placement.js";
import { type Target, targetsOf } from "../tables/target.js";
import { tellDecision } from "./decision.js";
import { endProcess, takeLockFrom } from "./lock.js";
import type { Log } from "./log.js";
import { NameWatch } from "./name-watch.js";

interface ServeOptions {
	config: string;
	device: Interface;
	bpffs: string;
	/** The compiled program. */
	object: string;
	debug: boolean;
	/** Leave program and tables in place at the end. */
	keep: boolean;
	/** Replace a udplb that serves the interface. */
	takeover: boolean;
	/** Pause between two look-ups of the host names, in milliseconds. */
	resolve: number;
}

/** A configuration file with its names and routes looked up. */
interface Wanted {
	rules: Rule[];
	addresses: Addresses;
	routes: Routes;
	targets: Target[];
}

/** As much as a ring buffer holds. */
const LAST_BATCHES = 16;

/** The balancer of one interface. Its methods are to be called one after the other. */
export class Server {
	readonly #options: ServeOptions;
	readonly #log: Log;
	readonly #pins: string;
	readonly #neighbours = new Neighbours();
	readonly #names: NameWatch;
	#unlock: (() => void) | undefined;
	#wanted: Wanted | undefined;
	#generation: Generation | undefined;
	#placement: Placement | undefined;
	#ring: Ring | undefined;
	#lost = 0n;
	/** Why our filter is not on the hook, logged once. */
	#displaced = "";

	constructor(options: ServeOptions, log: Log) {
		this.#options = options;
		this.#log = log;
		this.#pins = pinDirectory(options.bpffs, options.device.index);
		this.#names = new NameWatch(options.resolve, log);
	}

	/**
	 * Puts the program in place of whatever an earlier process left.
	 * @throws Failure usage: an upstream cannot be reached; failed: a name has no address, or another process serves the
	 * interface
	 */
	async start(config: Config): Promise<void> {
		const wanted = await this.#lookUp(config);
		this.#removeDead();
		makePinDirectory(this.#pins);
		this.#unlock = tryLock(this.#pins);
		const others = this.#others();
		if (others.length > 0 && !this.#options.takeover)
			throw new Failure(
				"failed",
				`another udplb serves interface "${this.#options.device.name}" (process ${others[0]?.pid})`,
				{ hint: "--takeover replaces it without losing a packet" },
			);
		try {
			await this.#neighbours.keep(wanted.routes);
			await this.#begin(wanted);
			for (const { pid, directory } of others)
				if (directory === this.#pins)
					this.#unlock = await takeLockFrom(pid, directory);
				else await endProcess(pid);
			// An older udplb takes its neighbour entries with it.
			if (others.length > 0) await this.#neighbours.keep(wanted.routes);
			removePins(this.#pinsByName());
		} catch (error) {
			// The program of a killed process continues.
			if ((await this.#attached()) === undefined && others.length === 0)
				removePins(this.#pins);
			await this.#neighbours.release();
			this.#unlock?.();
			throw error;
		}
	}

	get programId(): number | undefined {
		return this.#generation?.programId;
	}

	get targets(): readonly Target[] {
		return this.#wanted?.targets ?? [];
	}

	/**
	 * Reads the configuration again and applies the difference.
	 * @throws Error of any kind, and all stays as it was
	 */
	async reload(): Promise<Change> {
		const wanted = await this.#lookUp(readConfig(this.#options.config));
		await this.#neighbours.keep(wanted.routes);
		return this.#change(wanted);
	}

	/**
	 * Checks for changes: the filter, routes, names, and removed neighbour entries.
	 * @throws Failure environment: the interface is gone; failed: something could not be looked up
	 */
	async refresh(): Promise<void> {
		this.#followName();
		await this.#guardFilter();
		const { rules, addresses: known, routes: before } = this.#wanted as Wanted;
		const addresses = this.#names.poll(rules, known, this.#onLoopback);
		const routes = await findRoutes(addressesOf(rules, addresses));
		await this.#neighbours.keep(routes);
		if (addresses === known && sameRoutes(routes, before)) return;
		const targets = targetsOf(rules, addresses, routes);
		await this.#change({ rules, addresses, routes, targets });
	}

	/** Whether the interface still exists. */
	get exists(): boolean {
		return interfaceName(this.#options.device.index) !== undefined;
	}

	/** Logs how many decisions were lost since the last call. */
	tellLost(): void {
		if (!this.#generation) return;
		const lost = lostEvents(this.#generation);
		if (lost > this.#lost)
			this.#log.error(`${lost - this.#lost} decisions lost, ${lost} in all`);
		this.#lost = lost;
	}

	/** Takes all away again that is ours, but for `keep`. No step depends on another. */
	async stop(): Promise<void> {
		const { device, keep } = this.#options;
		const step = async (what: string, run: () => unknown) => {
			try {
				await run();
			} catch (error) {
				this.#log.error(`stop: ${what}: ${(error as Error).message}`);
			}
		};
		const program = this.#generation?.programId;
		const attached = await this.#attached();
		// Another udplb that took the interface over needs the pins and the neighbour entries.
		const replaced = attached !== undefined && attached !== program;
		if (!keep && this.#unlock && !replaced) {
			if (attached !== undefined)
				await step("remove the filter", () => detach(device.name, attached));
			await step("remove the pins", () => removePins(this.#pins));
			await step("release neighbours", () => this.#neighbours.release());
		}
		await step("read the last decisions", () => this.#endRing());
		await step("close the tables", () => this.#generation?.close());
		this.#unlock?.();
	}

	/** Logs the remaining events of the ring buffer, and closes it. */
	#endRing(): void {
		const ring = this.#ring;
		this.#ring = undefined;
		if (!ring) return;
		try {
			// Where packets still come in there is no end to wait for.
			for (let i = 0; i < LAST_BATCHES && ring.consume() > 0; i++);
		} finally {
			ring.close();
		}
		this.tellLost();
	}

	/** Running processes that serve the interface, with the directory that each has locked. */
	#others(): { pid: number; directory: string }[] {
		const directories = this.#unlock
			? [this.#pinsByName()]
			: [this.#pins, this.#pinsByName()];
		return directories.flatMap((directory) => {
			const [pid] = lockHolders(directory);
			return pid === undefined ? [] : [{ pid, directory }];
		});
	}

	#pinsByName(): string {
		const { bpffs, device } = this.#options;
		return pinDirectoryByName(bpffs, device.name);
	}

	/** Pins of interfaces that are gone, and whose process was killed. */
	#removeDead(): void {
		const { bpffs } = this.#options;
		for (const index of pinnedInterfaces(bpffs)) {
			if (interfaceName(index) !== undefined) continue;
			const directory = pinDirectory(bpffs, index);
			const unlock = tryLock(directory);
			if (!unlock) continue;
			removePins(directory);
			unlock();
		}
	}

	get #onLoopback(): boolean {
		return this.#options.device.loopback;
	}

	async #lookUp(config: Config): Promise<Wanted> {
		const { rules } = config;
		if (!this.#onLoopback) refuseLoopback(config);
		const names = await lookUpNames(
			rules,
			this.#wanted?.addresses ?? new Map(),
			this.#onLoopback,
		);
		requireAddresses(config, names);
		this.#names.looked(names);
		const { addresses } = names;
		const routes = await findRoutes(addressesOf(rules, addresses));
		const targets = targetsOf(rules, addresses, routes);
		return { rules, addresses, routes, targets };
	}

	/** The interface may be renamed. @throws Failure environment: it was deleted */
	#followName(): void {
		const { device } = this.#options;
		const name = interfaceName(device.index);
		if (name === undefined)
			throw new Failure("failed", `interface "${device.name}" is gone`);
		if (name === device.name) return;
		this.#log.info(`interface ${device.name} is now called ${name}`);
		device.name = name;
	}

	/** Puts the filter back if another tool has removed it. */
	async #guardFilter(): Promise<void> {
		const { device } = this.#options;
		const generation = this.#generation as Generation;
		const { program, foreign } = await findFilter(device.name);
		if (program === generation.programId) {
			this.#displaced = "";
			return;
		}
		const displaced =
			program !== undefined
				? `program ${program} of another udplb has taken its place on ingress of ${device.name}`
				: foreign &&
					`a foreign filter (${foreign}) has taken its place on ingress of ${device.name}`;
		if (displaced) {
			if (displaced !== this.#displaced) this.#log.error(displaced);
			this.#displaced = displaced;
			return;
		}
		generation.pinIn(this.#pins);
		await attach(device.name, programPin(this.#pins));
		countRestored(generation);
		this.#log.error(
			`the filter on ingress of ${device.name} was removed by another program: restored`,
		);
	}

	/** The id of the udplb program on the hook. */
	async #attached(): Promise<number | undefined> {
		return (await findFilter(this.#options.device.name)).program;
	}

	/** Fills the tables of a new program, then replaces the old one in one step. */
	async #begin(wanted: Wanted): Promise<Change> {
		const { object, debug, device } = this.#options;
		const generation = load(object, sizesFor(wanted.targets), debug);
		try {
			const placement = new Placement(generation.sizes);
			const change = await apply(generation, placement, wanted.targets);
			generation.pinIn(this.#pins);
			await attach(device.name, programPin(this.#pins));
			this.#replace(generation, placement);
			this.#wanted = wanted;
			return change;
		} catch (error) {
			if (this.#generation !== generation) generation.close();
			// The pins are those of the program that is attached.
			this.#generation?.pinIn(this.#pins);
			throw error;
		}
	}

	async #change(wanted: Wanted): Promise<Change> {
		const [tables, placement] = [this.#generation, this.#placement];
		if (!tables || !placement) throw new Error("changed before it was started");
		const before = this.targets;
		try {
			const change = await apply(tables, placement, wanted.targets);
			this.#wanted = wanted;
			return change;
		} catch (error) {
			if (error instanceof NoRoom) return this.#begin(wanted);
			// What was written before the kernel refused is written back.
			await apply(tables, placement, before);
			throw error;
		}
	}

	#replace(generation: Generation, placement: Placement): void {
		this.#endRing();
		this.#generation?.close();
		this.#lost = 0n;
		this.#generation = generation;
		this.#placement = placement;
		if (this.#options.debug)
			this.#ring = openRing(generation.eventsFd, (event) =>
				tellDecision(this.#log, event),
			);
	}
}
