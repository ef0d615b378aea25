import type { Rule } from "../config/rule.js";
import { type Addresses, type Lookup, lookUpNames } from "../machine/names.js";
import type { Log } from "./log.js";

/** Pause before a name that did not resolve is looked up again, in milliseconds. */
const RETRY = 5000;

/** Looks host names up again at intervals, in the background. */
export class NameWatch {
	readonly #interval: number;
	readonly #log: Log;
	#due = 0;
	#running = false;
	#found: { rules: readonly Rule[]; lookup: Lookup } | undefined;
	#failed: ReadonlyMap<string, string> = new Map();

	/** @param interval milliseconds between two look-ups that succeed */
	constructor(interval: number, log: Log) {
		this.#interval = interval;
		this.#log = log;
	}

	/** Takes note of a look-up: the next one is due some time after it. */
	looked({ failed }: Lookup): void {
		const pause =
			failed.size > 0 ? Math.min(RETRY, this.#interval) : this.#interval;
		this.#due = performance.now() + pause;
		for (const [name, code] of failed)
			if (!this.#failed.has(name))
				this.#log.error(`host name ${shown(name)}: ${code}`);
		for (const name of this.#failed.keys())
			if (!failed.has(name))
				this.#log.info(`host name ${shown(name)}: found again`);
		this.#failed = failed;
	}

	/**
	 * Begins a look-up where one is due.
	 * @returns what the last one found; `known` itself where nothing differs
	 */
	poll(
		rules: readonly Rule[],
		known: Addresses,
		onLoopback: boolean,
	): Addresses {
		if (known.size === 0) return known;
		const found = this.#found;
		this.#found = undefined;
		if (!this.#running && performance.now() >= this.#due) {
			this.#running = true;
			void lookUpNames(rules, known, onLoopback).then((lookup) => {
				this.#running = false;
				this.#found = { rules, lookup };
				this.looked(lookup);
			});
		}
		// A reload may have come in between.
		if (found?.rules !== rules) return known;
		const changed = [...found.lookup.addresses].filter(
			([name, address]) => known.get(name) !== address,
		);
		for (const [name, address] of changed)
			this.#log.info(
				`host name ${shown(name)}: ${known.get(name)} is now ${address}`,
			);
		return changed.length > 0 ? found.lookup.addresses : known;
	}
}

/** "4 pool.example": family and name. */
const shown = (name: string) => `"${name.slice(2)}" (IPv${name[0]})`;
