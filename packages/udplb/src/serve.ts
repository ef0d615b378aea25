import { mkdirSync, rmdirSync, rmSync } from "node:fs";
import path from "node:path";
import { Failure } from "@sluice/cli-kit";
import { interfaceIndex, openRing, type Ring, tryLock } from "@sluice/maps";
import { apply, type Change } from "./apply.js";
import { readConfig } from "./config.js";
import { tellDecision } from "./decision.js";
import { attach, attachedProgram, detach } from "./filter.js";
import {
	type Generation,
	load,
	pinnedNames,
	programPin,
} from "./generation.js";
import type { Interface } from "./interface.js";
import type { Log } from "./log.js";
import { lostEvents } from "./lost.js";
import { Neighbours } from "./neighbours.js";
import { NoRoom, Placement, sizesFor } from "./placement.js";
import { type Addresses, addressesOf, resolve, targetsOf } from "./resolve.js";
import { findRoutes, type Routes, sameRoutes } from "./routes.js";
import type { Rule } from "./rule.js";
import type { Target } from "./target.js";

export interface ServeOptions {
	config: string;
	device: Interface;
	/** Where this interface's pins are. */
	pins: string;
	/** The compiled program. */
	object: string;
	debug: boolean;
	/** Leave program and tables in place at the end. */
	keep: boolean;
}

/** What a configuration file comes to, once names and ways have been looked up. */
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
	readonly #neighbours = new Neighbours();
	#unlock: (() => void) | undefined;
	#wanted: Wanted | undefined;
	#generation: Generation | undefined;
	#placement: Placement | undefined;
	#ring: Ring | undefined;
	#lost = 0n;

	constructor(options: ServeOptions, log: Log) {
		this.#options = options;
		this.#log = log;
	}

	/**
	 * Puts the program in place of whatever an earlier process left.
	 * @param rules of the configuration file
	 * @throws Failure usage: a name in it has no address; failed: another process serves the interface
	 */
	async start(rules: Rule[]): Promise<void> {
		const wanted = await this.#lookUp(rules);
		const { device, pins } = this.#options;
		makeDirectory(pins);
		this.#unlock = tryLock(pins);
		if (!this.#unlock)
			throw new Failure(
				"failed",
				`another udplb serves interface "${device.name}"`,
			);
		try {
			await this.#neighbours.keep(wanted.routes);
			await this.#begin(wanted);
		} catch (error) {
			// What a process that was killed has left goes on as it was.
			if ((await attachedProgram(device.name)) === undefined) removePins(pins);
			await this.#neighbours.release();
			this.#unlock();
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
	 * Reads the configuration again and changes what differs.
	 * @throws Failure usage: the configuration, and all stays as it was
	 */
	async reload(): Promise<Change> {
		const wanted = await this.#lookUp(readConfig(this.#options.config));
		await this.#neighbours.keep(wanted.routes);
		return this.#change(wanted);
	}

	/**
	 * Follows what has changed around it: routes, and neighbour entries that somebody removed.
	 * @throws Failure failed: the interface is gone
	 */
	async refresh(): Promise<void> {
		const { device } = this.#options;
		if (interfaceIndex(device.name) !== device.index)
			throw new Failure("failed", `interface "${device.name}" is gone`);
		const { rules, addresses, routes: known } = this.#wanted as Wanted;
		const routes = await findRoutes(addressesOf(rules, addresses));
		await this.#neighbours.keep(routes);
		if (sameRoutes(routes, known)) return;
		const targets = targetsOf(rules, addresses, routes);
		await this.#change({ rules, addresses, routes, targets });
	}

	/** Tells how many decisions were lost since it was last told. */
	tellLost(): void {
		if (!this.#generation) return;
		const lost = lostEvents(this.#generation);
		if (lost > this.#lost)
			this.#log.error(`${lost - this.#lost} decisions lost, ${lost} in all`);
		this.#lost = lost;
	}

	/** Takes all away again that is ours, but for `keep`. */
	async stop(): Promise<void> {
		const { device, pins, keep } = this.#options;
		if (!keep && this.#unlock) {
			if (this.#generation)
				await detach(device.name, this.#generation.programId);
			removePins(pins);
			await this.#neighbours.release();
		}
		this.#endRing();
		this.#generation?.close();
		this.#unlock?.();
	}

	/** Tells what is still in the ring buffer, and closes it. */
	#endRing(): void {
		if (!this.#ring) return;
		// Where packets still come in there is no end to wait for.
		for (let i = 0; i < LAST_BATCHES && this.#ring.consume() > 0; i++);
		this.#ring.close();
		this.#ring = undefined;
		this.tellLost();
	}

	async #lookUp(rules: Rule[]): Promise<Wanted> {
		const before = this.#wanted?.addresses;
		const addresses = await resolve(this.#options.config, rules, before);
		const routes = await findRoutes(addressesOf(rules, addresses));
		const targets = targetsOf(rules, addresses, routes);
		return { rules, addresses, routes, targets };
	}

	/** Fills a new program's tables, then lets it take over in one step. */
	async #begin(wanted: Wanted): Promise<Change> {
		const { object, debug, device, pins } = this.#options;
		const generation = load(object, sizesFor(wanted.targets), debug);
		try {
			const placement = new Placement(generation.sizes);
			const change = await apply(generation, placement, wanted.targets);
			generation.pinIn(pins);
			await attach(device.name, programPin(pins));
			this.#replace(generation, placement);
			this.#wanted = wanted;
			return change;
		} catch (error) {
			if (this.#generation !== generation) generation.close();
			throw error;
		}
	}

	async #change(wanted: Wanted): Promise<Change> {
		const [tables, placement] = [this.#generation, this.#placement];
		if (!tables || !placement) throw new Error("changed before it was started");
		try {
			const change = await apply(tables, placement, wanted.targets);
			this.#wanted = wanted;
			return change;
		} catch (error) {
			if (!(error instanceof NoRoom)) throw error;
			return this.#begin(wanted);
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

/** @throws Failure environment: no rights */
function makeDirectory(directory: string): void {
	try {
		mkdirSync(directory, { recursive: true, mode: 0o750 });
	} catch (cause) {
		const { code = "EIO" } = cause as NodeJS.ErrnoException;
		throw new Failure(
			"environment",
			`make ${directory}: not permitted (${code})`,
			{
				code,
				hint: "run as root or with CAP_BPF and CAP_NET_ADMIN",
				cause,
			},
		);
	}
}

function removePins(directory: string): void {
	for (const name of pinnedNames) {
		rmSync(path.join(directory, name), { force: true });
		rmSync(path.join(directory, `${name}_new`), { force: true });
	}
	try {
		rmdirSync(directory);
		rmdirSync(path.dirname(directory));
	} catch {
		// Other interfaces have theirs there.
	}
}
