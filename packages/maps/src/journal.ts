import { closeSync, rmSync } from "node:fs";
import { join } from "node:path";
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

/** Bytes of the journal's one element: the changes of a command of one line fit. */
const SIZE = 4096;

/** The length of a record that stands in a map of its own. */
const ELSEWHERE = 0xffff_ffff;

/** Bytes of an element of that map; the kernel takes a value of up to 4 MiB at once. */
const LARGE_SIZE = 1 << 20;

/**
 * What the writer that holds the lock is about to change. A writer that is killed leaves its record, and the next
 * writer completes the change.
 *
 * It is an array map of one element, pinned as `journal`: the record's length in the first four bytes, then the
 * record; length 0: no change is under way. A record that does not fit stands in `journal_large`.
 */
export class Journal {
	readonly #path: string;
	readonly #largePath: string;
	readonly #element = Buffer.alloc(SIZE);
	readonly #index = Buffer.alloc(4);
	/** Undefined: there is no journal yet. */
	#fd: number | undefined;

	/** Opens the journal of a pin directory. Call it under the writers' lock. @throws BpfError EPERM no rights. */
	constructor(directory: string) {
		this.#path = join(directory, "journal");
		this.#largePath = `${this.#path}_large`;
		this.#fd = openIfPinned(this.#path);
	}

	/** The record that a killed writer left. @throws BpfError */
	read(): Buffer | undefined {
		if (this.#fd === undefined) return undefined;
		this.#lookup(this.#fd, 0, this.#element);
		const length = this.#element.readUInt32LE(0);
		if (length === 0) return undefined;
		if (length === ELSEWHERE) return this.#readLarge();
		return Buffer.from(this.#element.subarray(4, 4 + length));
	}

	#readLarge(): Buffer {
		const fd = openPin(this.#largePath);
		const elements = Array.from({ length: mapInfo(fd).maxEntries }, (_, i) => {
			const element = Buffer.allocUnsafe(LARGE_SIZE);
			this.#lookup(fd, i, element);
			return element;
		});
		closeSync(fd);
		const all = Buffer.concat(elements);
		return all.subarray(4, 4 + all.readUInt32LE(0));
	}

	/**
	 * Writes a record. Its last system call makes the change one that will be completed.
	 * @param record its pieces, one behind the other
	 * @throws BpfError
	 */
	write(record: readonly Buffer[]): void {
		let length = 0;
		for (const piece of record) length += piece.length;
		const isLarge = 4 + length > SIZE;
		if (isLarge) this.#writeLarge(record, length);
		else {
			let at = 4;
			for (const piece of record) at += piece.copy(this.#element, at);
		}
		this.#setLength(isLarge ? ELSEWHERE : length);
	}

	#writeLarge(record: readonly Buffer[], length: number): void {
		const fd = create(LARGE_SIZE, Math.ceil((4 + length) / LARGE_SIZE));
		try {
			this.#fillLarge(fd, record, length);
			// A writer that was killed may have left one.
			rmSync(this.#largePath, { force: true });
			pin(fd, this.#largePath);
		} finally {
			closeSync(fd);
		}
	}

	#fillLarge(fd: number, record: readonly Buffer[], length: number): void {
		const element = Buffer.alloc(LARGE_SIZE);
		element.writeUInt32LE(length, 0);
		let index = 0;
		let at = 4;
		for (const piece of record)
			for (let from = 0; from < piece.length; ) {
				const copied = piece.copy(element, at, from);
				from += copied;
				at += copied;
				if (at < LARGE_SIZE) continue;
				this.#update(fd, index++, element);
				at = 0;
			}
		if (at > 0) this.#update(fd, index, element);
	}

	/** Removes the record. @throws BpfError */
	clear(): void {
		const wasLarge = this.#element.readUInt32LE(0) === ELSEWHERE;
		this.#setLength(0);
		if (wasLarge) rmSync(this.#largePath, { force: true });
	}

	#setLength(length: number): void {
		this.#element.writeUInt32LE(length, 0);
		if (this.#fd !== undefined) {
			this.#update(this.#fd, 0, this.#element);
			return;
		}
		const fd = create(SIZE, 1);
		try {
			this.#update(fd, 0, this.#element);
			pin(fd, this.#path);
		} catch (error) {
			// A journal without a pin is found by no later writer.
			closeSync(fd);
			throw error;
		}
		this.#fd = fd;
	}

	close(): void {
		if (this.#fd !== undefined) closeSync(this.#fd);
		this.#fd = undefined;
	}

	#update(fd: number, index: number, value: Buffer): void {
		this.#index.writeUInt32LE(index);
		check(bpf_map_update_elem(fd, this.#index, value, 0), "write the journal");
	}

	#lookup(fd: number, index: number, value: Buffer): void {
		this.#index.writeUInt32LE(index);
		check(bpf_map_lookup_elem(fd, this.#index, value), "read the journal");
	}
}

function openIfPinned(path: string): number | undefined {
	try {
		return openPin(path);
	} catch (error) {
		if ((error as { code?: string }).code === "ENOENT") return undefined;
		throw error;
	}
}

const create = (size: number, count: number): number =>
	check(
		bpf_map_create(ARRAY, "journal", 4, size, count, null),
		"create the journal",
	);

const pin = (fd: number, path: string): number =>
	check(bpf_obj_pin(fd, path), `pin ${path}`);
