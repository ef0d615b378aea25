import { mkdirSync, rmSync } from "node:fs";
import { type LoadedObject, loadObject, openTable } from "@sluice/maps";
import { tcPins } from "@sluice/maps/bpffs";
import type { OpenTable, Table } from "@sluice/maps/table";
import { tunnelTables } from "@sluice/testbed";
import type { Cli } from "../src/command.js";
import { type Ended, runInProcess, type TestEnv } from "./run-in-process.js";

export interface PinOptions {
	/** Entries of a table in place of 1024, by map name. */
	maxEntries?: Readonly<Record<string, number>>;
	/** The object to load, in place of one that has the tables and no programs. */
	object?: string;
}

let made = 0;

/**
 * The tunnel programs' tables, empty, pinned in a directory of their own: what a machine has once the programs are
 * attached. Call `ownNamespaces` of the testbed first.
 */
export class PinnedTables {
	/** For `--bpffs`. */
	readonly bpffs: string;
	/** Where the pins are. */
	readonly pins: string;
	readonly object: LoadedObject;

	constructor(options: PinOptions = {}) {
		this.bpffs = `/sys/fs/bpf/${++made}`;
		this.pins = tcPins(this.bpffs);
		mkdirSync(this.pins, { recursive: true });
		const { object = tunnelTables(), maxEntries = {} } = options;
		this.object = loadObject(object, { maxEntries, pinDirectory: this.pins });
	}

	/** Runs a program on these tables, with words that have no space in them or a list of words. */
	run(
		cli: Cli,
		line: string | readonly string[],
		{ vars, ...env }: TestEnv = {},
	): Promise<Ended> {
		const words = typeof line === "string" ? line.split(" ") : line;
		return runInProcess(cli, words, {
			...env,
			vars: { TC_BPF_MNT: this.bpffs, ...vars },
		});
	}

	open<K, V>(table: Table<K, V>): OpenTable<K, V> {
		return openTable(table, this.pins);
	}

	close(): void {
		this.object.close();
		rmSync(this.bpffs, { recursive: true });
	}
}
