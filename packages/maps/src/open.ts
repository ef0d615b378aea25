import { closeSync, existsSync } from "node:fs";
import { join } from "node:path";
import { AbsentTable } from "./absent-table.js";
import { isBpffs } from "./bpffs.js";
import { BpfError, errnoName } from "./errors.js";
import { type MapInfo, mapInfo } from "./info.js";
import { KernelTable } from "./kernel-table.js";
import { requireKind } from "./kind.js";
import { bpf_obj_get } from "./libbpf.js";
import { type AnyTable, mapTypes, type Table } from "./table.js";
import { TrafficCounters } from "./traffic-counters.js";

const BPF_F_RDONLY = 1 << 3;

export interface OpenOptions {
	/** Read only: needs no more than read permission on the pin. */
	readOnly?: boolean;
}

/**
 * Opens the map pinned as `directory/<table name>` and checks that it is what `table` describes. An optional one that is
 * not pinned there is an empty table.
 *
 * @throws BpfError ENOENT nothing pinned there; EPERM, EACCES no rights; EINVAL it is another kind of map, all
 *   differences named at once.
 */
export function openTable<K, V>(
	table: Table<K, V>,
	directory: string,
	options: OpenOptions = {},
): KernelTable<K, V> {
	const path = join(directory, table.name);
	if (table.optional && !existsSync(path) && existsSync(directory))
		return new AbsentTable(table);
	return wrapMap(table, openPin(path, options), path, (one) =>
		existsSync(join(directory, one.name))
			? openTable(one, directory, options)
			: undefined,
	);
}

/** Opens another table that is pinned with it, or of the same object; undefined: there is none. */
type Beside = <K, V>(table: Table<K, V>) => KernelTable<K, V> | undefined;

/**
 * Makes a typed table of a map's descriptor, which the table then owns.
 * @throws BpfError EINVAL it is another kind of map than `table` describes.
 */
export function wrapMap<K, V>(
	table: Table<K, V>,
	fd: number,
	path = table.name,
	beside: Beside = () => undefined,
): KernelTable<K, V> {
	const info = mapInfo(fd);
	const differences = compare(table, info);
	if (differences.length === 0) {
		const owners = table.slots && beside(table.slots.owners);
		const counters = table.slots && beside(table.slots.counters);
		return owners && counters
			? new TrafficCounters(table, fd, info, owners, counters)
			: new KernelTable(table, fd, info);
	}
	try {
		requireKind(fd, "map", path);
	} finally {
		closeSync(fd);
	}
	throw new BpfError(`open ${path}`, "EINVAL", {
		because: `not the table expected: ${differences.join(", ")}`,
		hint: "it was made by another version; see the attached programs with scripts/show_tc.sh",
		environment: true,
	});
}

/**
 * Opens whatever is pinned at `path`: a map, a program or a link.
 * @returns a descriptor, which is the caller's to close
 * @throws BpfError ENOENT nothing there; EPERM, EACCES no rights.
 */
export function openPin(path: string, { readOnly }: OpenOptions = {}): number {
	const opts = Buffer.alloc(16);
	opts.writeBigUInt64LE(16n, 0);
	opts.writeUInt32LE(readOnly ? BPF_F_RDONLY : 0, 8);
	const fd = bpf_obj_get(path, opts);
	if (fd >= 0) return fd;
	throw openError(path, errnoName(-fd));
}

/** Why a pin cannot be opened, and what to do. */
function openError(path: string, code: string): BpfError {
	const operation = `open ${path}`;
	const isElsewhere = !isBpffs(path);
	// What is no pin is EACCES, whoever asks.
	if (code !== "ENOENT" && !(code === "EACCES" && isElsewhere))
		return new BpfError(operation, code, { environment: true });
	return new BpfError(operation, code, {
		because: "no such pin",
		...(isElsewhere ? { hint: "there is no bpffs there" } : {}),
		environment: true,
	});
}

/** All differences between the kernel's map and `table`, such as "value size is 28, not 48". */
export function compare(table: AnyTable, info: MapInfo): string[] {
	const expected: [string, number | string, number | string][] = [
		["type", typeName(info.type), table.type],
		["key size", info.keySize, table.key.size],
		["value size", info.valueSize, table.value.kernelSize ?? table.value.size],
		["flags", info.flags, table.flags],
	];
	return expected
		.filter(([, got, want]) => got !== want)
		.map(([what, got, want]) => `${what} is ${got}, not ${want}`);
}

function typeName(type: number): string {
	const found = Object.entries(mapTypes).find(([, number]) => number === type);
	return found ? found[0] : `type ${type}`;
}
