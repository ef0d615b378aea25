import { renameSync, rmSync } from "node:fs";
import path from "node:path";
import {
	type LoadedObject,
	loadObject,
	type OpenTable,
	pin,
	type ValueOf,
} from "@sluice/maps";
import {
	type LbChoice,
	type LbKey,
	type LbUpstream,
	lbKeysTable,
	lbNextIdTable,
	lbOutcomesTable,
	lbSlotsTable,
	lbTrafficTable,
	lbUpstreamsTable,
} from "@sluice/maps/tables";
import { pinnedMaps, programPin } from "./pins.js";

export interface Sizes {
	chunks: number;
	upstreams: number;
}

/** A program in the kernel with its tables. A configuration that outgrows them gets another. */
export interface Generation {
	readonly sizes: Sizes;
	readonly programId: number;
	readonly keys: OpenTable<LbKey, LbChoice>;
	readonly slots: OpenTable<number, Uint32Array>;
	readonly upstreams: OpenTable<number, LbUpstream>;
	readonly traffic: OpenTable<number, ValueOf<typeof lbTrafficTable.value>>;
	readonly outcomes: OpenTable<number, bigint[]>;
	readonly eventsFd: number;
	/** Pins the program and its tables in a directory, in place of existing pins. */
	pinIn(directory: string): void;
	close(): void;
}

/**
 * Room beyond what is needed, so that a reload finds place for new slots and upstreams beside the old: twice as much,
 * but for large configurations, where a quarter must do.
 */
const roomy = (needed: number) =>
	Math.ceil(needed * 1.25) + Math.min(needed, 65_536) + 1024;

/** @throws BpfError as `loadObject` */
export function load(
	object: string,
	needed: Sizes,
	debug: boolean,
): Generation {
	const sizes = {
		chunks: roomy(needed.chunks),
		upstreams: roomy(needed.upstreams),
	};
	const [used, unused] = debug
		? ["udplb_debug", "udplb"]
		: ["udplb", "udplb_debug"];
	const loaded = loadObject(object, {
		maxEntries: {
			slots: sizes.chunks,
			upstreams: sizes.upstreams,
			traffic: sizes.upstreams,
		},
		without: [unused],
	});
	const program = loaded.program(used);
	startIds(loaded);
	const tables = {
		keys: loaded.table(lbKeysTable),
		slots: loaded.table(lbSlotsTable),
		upstreams: loaded.table(lbUpstreamsTable),
		traffic: loaded.table(lbTrafficTable),
		outcomes: loaded.table(lbOutcomesTable),
	};
	return {
		...tables,
		sizes,
		programId: program.id,
		eventsFd: loaded.mapFd("events"),
		pinIn(directory) {
			for (const name of pinnedMaps)
				replacePin(loaded.mapFd(name), path.join(directory, name));
			replacePin(program.fd, programPin(directory));
		},
		close() {
			for (const table of Object.values(tables)) table.close();
			loaded.close();
		},
	};
}

/** Random, since fragments of an earlier run may still be in flight. */
function startIds(loaded: LoadedObject): void {
	const table = loaded.table(lbNextIdTable);
	table.set(0, Math.floor(Math.random() * 2 ** 32));
	table.close();
}

/** bpffs renames over a pin in one step, but does not pin over one. */
function replacePin(fd: number, at: string): void {
	const beside = `${at}_new`;
	rmSync(beside, { force: true });
	pin(fd, beside);
	renameSync(beside, at);
}
