import { closeSync } from "node:fs";
import { check } from "./errors.js";
import koffi from "./koffi.js";
import { bpf_obj_get_info_by_fd, lazily } from "./libbpf.js";

const ENOENT = 2;

/** `struct bpf_map_info` of linux/bpf.h, the fields used here. */
export interface MapInfo {
	/** `enum bpf_map_type`. */
	type: number;
	id: number;
	keySize: number;
	valueSize: number;
	maxEntries: number;
	flags: number;
	/** At most 15 characters. */
	name: string;
	/** The kernel's id of the types that it was made with; 0: none. */
	btfId: number;
	/** Types of key and value in them. */
	btfKeyType: number;
	btfValueType: number;
}

/** @throws BpfError EPERM no rights. */
export function mapInfo(fd: number): MapInfo {
	const info = objectInfo(fd, 88, "read map info");
	return {
		type: info.readUInt32LE(0),
		id: info.readUInt32LE(4),
		keySize: info.readUInt32LE(8),
		valueSize: info.readUInt32LE(12),
		maxEntries: info.readUInt32LE(16),
		flags: info.readUInt32LE(20),
		name: cString(info, 24, 16),
		btfId: info.readUInt32LE(64),
		btfKeyType: info.readUInt32LE(68),
		btfValueType: info.readUInt32LE(72),
	};
}

const bpf_btf_get_fd_by_id = lazily("int bpf_btf_get_fd_by_id(uint32_t id)");

/**
 * The types that a map was made with, as linux/btf.h lays them out.
 * @returns undefined where it was made without
 * @throws BpfError EPERM without CAP_SYS_ADMIN.
 */
export function btfOf({ btfId, name }: MapInfo): Buffer | undefined {
	if (btfId === 0) return undefined;
	const fd = check(bpf_btf_get_fd_by_id(btfId), `open the types of ${name}`);
	try {
		const size = objectInfo(fd, 32, "read type info").readUInt32LE(8);
		const bytes = Buffer.alloc(size);
		objectInfo(fd, 32, "read type info", (asked) => {
			asked.writeBigUInt64LE(koffi.address(bytes), 0);
			asked.writeUInt32LE(size, 8);
		});
		return bytes;
	} finally {
		closeSync(fd);
	}
}

const bpf_prog_get_next_id = lazily(
	"int bpf_prog_get_next_id(uint32_t start_id, void *next_id)",
);

/** The ids of all loaded programs. @throws BpfError EPERM without CAP_SYS_ADMIN. */
export function* programIds(): IterableIterator<number> {
	const next = Buffer.alloc(4);
	for (let id = 0; ; id = next.readUInt32LE()) {
		const status = bpf_prog_get_next_id(id, next);
		if (status === -ENOENT) return;
		check(status, "list programs");
		yield next.readUInt32LE();
	}
}

/** `struct bpf_prog_info`, the fields used here. */
interface ProgramInfo {
	/** `enum bpf_prog_type`. */
	type: number;
	id: number;
	/** The kernel's digest of the instructions, as hex. Its algorithm changed in Linux 6.18: do not compare it with one of another kernel. */
	tag: string;
	mapIds: number[];
	/** At most 15 characters. */
	name: string;
}

const PROG_INFO_SIZE = 232;
const MAX_MAPS = 64;

/** @throws BpfError EPERM no rights. */
export function programInfo(fd: number): ProgramInfo {
	const ids = Buffer.alloc(4 * MAX_MAPS);
	const info = objectInfo(fd, PROG_INFO_SIZE, "read program info", (asked) => {
		asked.writeUInt32LE(MAX_MAPS, 52);
		asked.writeBigUInt64LE(koffi.address(ids), 56);
	});
	const count = Math.min(info.readUInt32LE(52), MAX_MAPS);
	return {
		type: info.readUInt32LE(0),
		id: info.readUInt32LE(4),
		tag: info.toString("hex", 8, 16),
		mapIds: Array.from({ length: count }, (_, i) => ids.readUInt32LE(4 * i)),
		name: cString(info, 64, 16),
	};
}

const bpf_map_get_fd_by_id = lazily("int bpf_map_get_fd_by_id(uint32_t id)");

/**
 * Opens a map by the kernel's id of it.
 * @returns a descriptor, which is the caller's to close
 * @throws BpfError ENOENT no such map; EPERM without CAP_SYS_ADMIN.
 */
export function openMapById(id: number): number {
	return check(bpf_map_get_fd_by_id(id), `open map ${id}`);
}

const bpf_prog_get_fd_by_id = lazily("int bpf_prog_get_fd_by_id(uint32_t id)");

/**
 * Opens a program by the kernel's id of it.
 * @returns a descriptor, which is the caller's to close
 * @throws BpfError ENOENT no such program; EPERM without CAP_SYS_ADMIN.
 */
export function openProgramById(id: number): number {
	return check(bpf_prog_get_fd_by_id(id), `open program ${id}`);
}

/** `struct bpf_link_info` of a link to a network namespace. */
interface LinkInfo {
	/** `enum bpf_link_type`; 5 is a network namespace. */
	type: number;
	id: number;
	programId: number;
	/** Inode of the network namespace, where type is 5. */
	netnsInode: number;
}

/** @throws BpfError EPERM no rights. */
export function linkInfo(fd: number): LinkInfo {
	const info = objectInfo(fd, 64, "read link info");
	return {
		type: info.readUInt32LE(0),
		id: info.readUInt32LE(4),
		programId: info.readUInt32LE(8),
		netnsInode: info.readUInt32LE(16),
	};
}

function objectInfo(
	fd: number,
	size: number,
	operation: string,
	prepare?: (info: Buffer) => void,
): Buffer {
	const info = Buffer.alloc(size);
	const length = Buffer.alloc(4);
	length.writeUInt32LE(size);
	prepare?.(info);
	check(bpf_obj_get_info_by_fd(fd, info, length), operation);
	return info;
}

function cString(buffer: Buffer, at: number, size: number): string {
	const end = buffer.indexOf(0, at);
	return buffer.toString("utf8", at, Math.min(end, at + size));
}
