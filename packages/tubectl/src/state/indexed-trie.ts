import { join } from "node:path";
import { Failure } from "@sluice/cli-kit";
import {
	BpfError,
	close,
	isFrozen,
	KernelTable,
	mapInfo,
	openPin,
	testRun,
} from "@sluice/maps";
import type { Table } from "@sluice/maps/table";
import {
	type BindingValue,
	binding,
	bindingChange,
	packedBindingKey,
	packedBindingsTable,
} from "@sluice/maps/tables";
import { WRITER } from "./object-file.js";
import { hasPin, TRIE } from "./pins.js";

/** Changes that the program carries out in one run: `MAX_CHANGES` of `bpf/dispatcher/dispatcher.bpf.c`. */
const MAX_CHANGES = 64;
/** Bytes before the first one: an Ethernet header, without which the kernel runs no program. */
const HEADER = 14;
const SET = 0;
const DELETE = 1;

/** The bindings of a dispatcher with an index. The trie is frozen: the program `write_bindings` writes to both. */
class IndexedTrie extends KernelTable<string, BindingValue> {
	override readonly atOnce = MAX_CHANGES;
	readonly #writer: number;
	readonly #data = Buffer.alloc(HEADER + MAX_CHANGES * bindingChange.size);

	/**
	 * @param fd of the trie, which the table then owns
	 * @param writer descriptor of the program, which the table then owns, too
	 */
	constructor(fd: number, writer: number) {
		super(packedBindingsTable, fd, mapInfo(fd));
		this.#writer = writer;
	}

	override writePacked(keys: Buffer, values: Buffer, count: number): void {
		this.#run(SET, keys, values, count);
	}

	/** Returns the number of keys; each must have an entry. */
	override deletePacked(keys: Buffer, count: number): number {
		this.#run(DELETE, keys, undefined, count);
		return count;
	}

	override close(): void {
		// Once: the number may be another file's by the second time.
		if (this.isOpen) close(this.#writer);
		super.close();
	}

	#run(
		kind: number,
		keys: Buffer,
		values: Buffer | undefined,
		count: number,
	): void {
		for (let from = 0; from < count; from += MAX_CHANGES) {
			const to = Math.min(from + MAX_CHANGES, count);
			const data = this.#data.subarray(
				0,
				HEADER + (to - from) * bindingChange.size,
			);
			for (let i = from, at = HEADER; i < to; i++, at += bindingChange.size) {
				data[at] = kind;
				const { size } = packedBindingKey;
				keys.copy(data, at + 1, i * size, (i + 1) * size);
				values?.copy(data, at + 24, i * binding.size, (i + 1) * binding.size);
			}
			if (
				testRun(this.#writer, { data, hasOutput: false }).verdict !==
				to - from
			)
				throw new BpfError("write bindings", "ENOSPC", {
					because: "the table is full, or out of memory",
				});
		}
	}
}

/** What writes to a table: where it is a frozen trie, the index's program. */
export function writable<K, V>(
	table: Table<K, V>,
	open: KernelTable<K, V>,
	directory: string,
): KernelTable<K, V> {
	const isTrie = (table as unknown) === packedBindingsTable;
	if (!isTrie || !isFrozen(open.fd)) return open;
	open.close();
	return openIndexedTrie(directory) as unknown as KernelTable<K, V>;
}

/** Opens the trie of a dispatcher that has an index. @throws Failure another release made the index */
export function openIndexedTrie(directory: string): IndexedTrie {
	if (!hasPin(directory, WRITER))
		throw new Failure("failed", "another release made the index", {
			code: "OTHER_VERSION",
			hint: 'make it anew with "tubectl upgrade"',
		});
	const trie = openPin(join(directory, TRIE));
	return new IndexedTrie(trie, openPin(join(directory, WRITER)));
}
