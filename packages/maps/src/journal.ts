import { closeSync, rmSync } from "node:fs";
import { join } from "node:path";
import { check } from "./errors.js";
import { bpf_obj_pin } from "./libbpf.js";
import { openPin } from "./open.js";
import {
	createArray,
	lookupElement,
	pinBytes,
	readPinnedBytes,
	updateElement,
} from "./pinned-bytes.js";

/** Name of both maps in the kernel. */
const NAME = "journal";

/** Bytes of the journal's one element: the changes of a command of one line fit. */
const SIZE = 4096;

/** The length of a record that is in a separate map. */
const ELSEWHERE = 0xffff_ffff;

/**
 * What the writer that holds the lock is about to change. A writer that is killed leaves its record, and the next
 * writer completes the change.
 *
 * It is an array map of one element, pinned as `journal`: the record's length in the first four bytes, then the
 * record; length 0: no change is in progress. A record that does not fit is in `journal_large`.
 */
export class Journal {
	readonly #path: string;
	readonly #largePath: string;
	readonly #element = Buffer.alloc(SIZE);
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
		lookupElement(this.#fd, NAME, 0, this.#element);
		const length = this.#element.readUInt32LE(0);
		if (length === 0) return undefined;
		if (length === ELSEWHERE) return readPinnedBytes(this.#largePath);
		return Buffer.from(this.#element.subarray(4, 4 + length));
	}

	/**
	 * Writes a record. After its last system call, the change will be completed.
	 * @param record its pieces, one behind the other
	 * @throws BpfError
	 */
	write(record: readonly Buffer[]): void {
		let length = 0;
		for (const piece of record) length += piece.length;
		const isLarge = 4 + length > SIZE;
		// A writer that was killed may have left one, which this one replaces.
		if (isLarge) pinBytes(this.#largePath, NAME, record);
		else {
			let at = 4;
			for (const piece of record) at += piece.copy(this.#element, at);
		}
		this.#setLength(isLarge ? ELSEWHERE : length);
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
			updateElement(this.#fd, NAME, 0, this.#element);
			return;
		}
		const fd = createArray(NAME, SIZE, 1);
		try {
			updateElement(fd, NAME, 0, this.#element);
			check(bpf_obj_pin(fd, this.#path), `pin ${this.#path}`);
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
}

function openIfPinned(path: string): number | undefined {
	try {
		return openPin(path);
	} catch (error) {
		if ((error as { code?: string }).code === "ENOENT") return undefined;
		throw error;
	}
}
