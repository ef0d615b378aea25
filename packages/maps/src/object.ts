import { closeSync, existsSync } from "node:fs";
import { isBpffs } from "./bpffs.js";
import { BpfError, check, errnoName } from "./errors.js";
import { mapInfo, openMapById, programInfo } from "./info.js";
import { bpf_obj_pin } from "./libbpf.js";
import { collectLog, loader } from "./libbpf-loader.js";
import { errno, libc } from "./libc.js";
import { wrapMap } from "./open.js";
import type { OpenTable, Table } from "./table.js";
import { type TestRun, type TestRunOptions, testRun } from "./test-run.js";

export interface LoadOptions {
	/** Directory under which maps that ask for pinning by name are pinned, or found if they are; none: no pins at all. */
	pinDirectory?: string;
	/** Entries of a map in place of those of its C definition, by map name. */
	maxEntries?: Readonly<Record<string, number>>;
	/** First bytes of the constants (`.rodata`), in place of those of the C file. */
	constants?: Buffer;
	/** Programs that are not loaded, by the C function's name. */
	without?: readonly string[];
	/** Maps to use in place of new ones: descriptors, which stay the caller's, by map name. */
	reuse?: Readonly<Record<string, number>>;
}

const memcpy = libc("void *memcpy(void *to, const void *from, size_t size)");

/** A program in the kernel. It is freed with its descriptor, unless it is pinned or attached. */
export interface Program {
	readonly name: string;
	readonly fd: number;
	readonly id: number;
	/** @throws BpfError EEXIST there is a pin; ENOENT, EPERM as the file system says. */
	pin(path: string): void;
	/** Runs it once, or `repeat` times, on a packet, without an interface (BPF_PROG_TEST_RUN). */
	testRun(options: TestRunOptions): TestRun;
}

/** A compiled C file in the kernel. */
export interface LoadedObject {
	/** By the C function's name. @throws RangeError no such program. */
	program(name: string): Program;
	/** A map as a table. Closing the object closes it. @throws RangeError no such map; BpfError EINVAL another layout. */
	table<K, V>(table: Table<K, V>): OpenTable<K, V>;
	/** A map's descriptor, which is the object's. @throws RangeError no such map. */
	mapFd(name: string): number;
	close(): void;
}

/**
 * Loads a compiled BPF object, by libbpf.
 *
 * @throws BpfError ENOENT no such file; EINVAL not an object, or pinned maps of another layout; EPERM no rights;
 *   EACCES the verifier refuses. The error has the last message of libbpf.
 */
export function loadObject(
	path: string,
	options: LoadOptions = {},
): LoadedObject {
	if (!existsSync(path))
		throw new BpfError(`load ${path}`, "ENOENT", { because: "no such file" });
	const log = collectLog();
	const object = loader.bpf_object__open_file(path, null);
	if (!object) throw loadError(path, errno(), log.lines());
	const close = () => loader.bpf_object__close(object);
	try {
		prepareMaps(object, options);
		leaveOut(object, options.without ?? []);
		const status = loader.bpf_object__load(object);
		if (status < 0) throw loadError(path, -status, log.lines());
	} catch (error) {
		close();
		throw error;
	} finally {
		log.stop();
	}
	return {
		program: (name) => programOf(object, path, name),
		table: (table) =>
			wrapMap(
				table,
				duplicate(mapFd(object, path, table.name)),
				table.name,
				(one) => {
					const map = loader.bpf_object__find_map_by_name(object, one.name);
					return map
						? wrapMap(one, duplicate(loader.bpf_map__fd(map)))
						: undefined;
				},
			),
		mapFd: (name) => mapFd(object, path, name),
		close,
	};
}

/** Pins a map, program or link. @throws BpfError EEXIST there is a pin; EPERM no rights. */
export function pin(fd: number, path: string): void {
	const status = bpf_obj_pin(fd, path);
	if (status < 0 && !isBpffs(path))
		throw new BpfError(`pin ${path}`, errnoName(-status), {
			because: "there is no bpffs there",
			hint: "name a path in a bpffs",
			environment: true,
		});
	check(status, `pin ${path}`);
}

/** Programs that the object does not have are left out already. */
function leaveOut(object: unknown, names: readonly string[]): void {
	for (const name of names) {
		const program = loader.bpf_object__find_program_by_name(object, name);
		if (!program) continue;
		check(
			loader.bpf_program__set_autoload(program, false),
			`leave out ${name}`,
		);
	}
}

function prepareMaps(object: unknown, options: LoadOptions): void {
	for (
		let map = loader.bpf_object__next_map(object, null);
		map;
		map = loader.bpf_object__next_map(object, map)
	) {
		const name: string = loader.bpf_map__name(map);
		const pinned: string | null = loader.bpf_map__pin_path(map);
		if (pinned) {
			const directory = options.pinDirectory;
			check(
				loader.bpf_map__set_pin_path(
					map,
					directory ? `${directory}/${name}` : null,
				),
				`set the pin of ${name}`,
			);
		}
		if (options.constants && name.endsWith(".rodata"))
			setConstants(map, options.constants);
		const entries = options.maxEntries?.[name];
		if (entries !== undefined)
			check(
				loader.bpf_map__set_max_entries(map, entries),
				`set the size of ${name}`,
			);
		const fd = options.reuse?.[name];
		if (fd !== undefined)
			check(loader.bpf_map__reuse_fd(map, fd), `reuse ${name}`);
	}
}

function setConstants(map: unknown, constants: Buffer): void {
	const size = Buffer.alloc(8);
	const value = loader.bpf_map__initial_value(map, size);
	if (!value || constants.length > size.readBigUInt64LE())
		throw new RangeError("more constants than the object has");
	memcpy(value, constants, constants.length);
}

function programOf(object: unknown, path: string, name: string): Program {
	const program = loader.bpf_object__find_program_by_name(object, name);
	if (!program) throw new RangeError(`${path} has no program "${name}"`);
	const fd: number = loader.bpf_program__fd(program);
	return {
		name,
		fd,
		id: programInfo(fd).id,
		pin: (pinPath) => pin(fd, pinPath),
		testRun: (options) => testRun(fd, options),
	};
}

function mapFd(object: unknown, path: string, name: string): number {
	const map = loader.bpf_object__find_map_by_name(object, name);
	if (!map) throw new RangeError(`${path} has no map "${name}"`);
	return loader.bpf_map__fd(map);
}

/** A second descriptor of the same map, so that closing a table leaves the object whole. */
function duplicate(fd: number): number {
	return openMapById(mapInfo(fd).id);
}

function loadError(path: string, error: number, lines: string[]): BpfError {
	const said = lines.filter((line) => line.length > 0 && !isNoise(line));
	// The verifier's last word, not that and where the load failed, which is known.
	const verifier = lines.findIndex((line) => /END PROG LOAD LOG/.test(line));
	if (verifier >= 0)
		return new BpfError(`load ${path}`, errnoName(error), {
			because: `the kernel's verifier refuses the program: ${lines.slice(0, verifier).findLast((line) => !isNoise(line)) ?? "no reason given"}`,
			hint: "it may be meant for a newer kernel",
			environment: true,
		});
	return new BpfError(`load ${path}`, errnoName(error), {
		...(said.length > 0 ? { because: said.slice(-3).join("; ") } : {}),
	});
}

const isNoise = (line: string) =>
	/^processed \d+ insns|^failed to load object|^-- (BEGIN|END)|^$/.test(line);

/** Closes a descriptor that one of these functions gave. */
export const close = closeSync;
