import { closeSync, unlinkSync } from "node:fs";
import { check } from "./errors.js";
import { mapInfo } from "./info.js";
import {
	bpf_map_lookup_elem,
	bpf_map_update_elem,
	bpf_obj_pin,
	lazily,
} from "./libbpf.js";
import { openPin } from "./open.js";

const bpf_map_create = lazily(
	"int bpf_map_create(int type, const char *name, uint32_t key_size, uint32_t value_size, uint32_t max_entries, const void *opts)",
);

const ARRAY = 2;

/** Bytes of the largest element; the kernel takes a value of up to 4 MiB at once. */
const LARGEST = 1 << 20;

/** Size of the header: the length of the rest. */
const HEAD = 4;

/**
 * Writes bytes of any length to a new array map, and pins it in place of an existing one. Call it under the writers'
 * lock. The first element begins with the length, a u32 in the order of this machine.
 *
 * @throws BpfError
 */
export function pinBytes(
	path: string,
	name: string,
	pieces: readonly Buffer[],
): void {
	const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
	const size = Math.min(LARGEST, (HEAD + length + 7) & ~7);
	const fd = createArray(name, size, Math.ceil((HEAD + length) / size));
	try {
		fill(fd, name, Buffer.alloc(size), pieces, length);
		removePin(path);
		check(bpf_obj_pin(fd, path), `pin ${path}`);
	} finally {
		closeSync(fd);
	}
}

/** Not `rmSync`, whose modules take milliseconds to load. */
function removePin(path: string): void {
	try {
		unlinkSync(path);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
	}
}

function fill(
	fd: number,
	name: string,
	element: Buffer,
	pieces: Iterable<Buffer>,
	length: number,
): void {
	element.writeUInt32LE(length, 0);
	let index = 0;
	let at = HEAD;
	for (const piece of pieces)
		for (let from = 0; from < piece.length; ) {
			const copied = piece.copy(element, at, from);
			from += copied;
			at += copied;
			if (at < element.length) continue;
			updateElement(fd, name, index++, element);
			at = 0;
		}
	if (at > 0) updateElement(fd, name, index, element);
}

/** What `pinBytes` has written. @throws BpfError ENOENT nothing pinned there */
export function readPinnedBytes(path: string): Buffer {
	const fd = openPin(path);
	try {
		const { maxEntries, valueSize, name } = mapInfo(fd);
		const all = Buffer.allocUnsafe(maxEntries * valueSize);
		for (let i = 0; i < maxEntries; i++)
			lookupElement(
				fd,
				name,
				i,
				all.subarray(i * valueSize, (i + 1) * valueSize),
			);
		return all.subarray(HEAD, HEAD + all.readUInt32LE(0));
	} finally {
		closeSync(fd);
	}
}

/** An array map without types; the caller closes it. @throws BpfError */
export const createArray = (
	name: string,
	size: number,
	count: number,
): number =>
	check(
		bpf_map_create(ARRAY, name, 4, size, count, null),
		`create the ${name}`,
	);

const number = Buffer.alloc(4);

export function updateElement(
	fd: number,
	name: string,
	index: number,
	value: Buffer,
): void {
	number.writeUInt32LE(index);
	check(bpf_map_update_elem(fd, number, value, 0), `write the ${name}`);
}

export function lookupElement(
	fd: number,
	name: string,
	index: number,
	value: Buffer,
): void {
	number.writeUInt32LE(index);
	check(bpf_map_lookup_elem(fd, number, value), `read the ${name}`);
}
