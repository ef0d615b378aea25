import { join } from "node:path";
import { Failure } from "@sluice/cli-kit";
import { BpfError, close, isFrozen, openPin, testRun } from "@sluice/maps";
import { type BindingValue, bindingChange } from "@sluice/maps/tables";
import { WRITER } from "./object-file.js";
import { hasPin } from "./pins.js";
import type { Place } from "./place.js";
import type { Tables } from "./tables.js";

/** What writes bindings, by packed key. */
export interface Trie {
	setMany(entries: readonly (readonly [string, BindingValue])[]): void;
	deleteMany(keys: readonly string[]): void;
}

/**
 * The way in which a dispatcher's bindings are written: by system calls, or, where the trie is frozen because it has
 * an index, by the program that writes to both.
 *
 * @returns what writes, and how to be done with it
 */
export function openTrie(
	{ directory }: Place,
	{ packed }: Tables,
): { trie: Trie; close(): void } {
	if (!isFrozen(packed.fd)) return { trie: packed, close: () => {} };
	if (!hasPin(directory, WRITER))
		throw new Failure("failed", "another release made the index", {
			code: "OTHER_VERSION",
			hint: 'make it anew with "tubectl upgrade"',
		});
	const writer = openPin(join(directory, WRITER));
	return { trie: throughProgram(writer), close: () => close(writer) };
}

/** Changes that the program carries out in one run: `MAX_CHANGES` of `bpf/dispatcher/dispatcher.bpf.c`. */
const MAX_CHANGES = 64;
/** Bytes before the first one. */
const HEADER = 14;
const SET = 0;
const DELETE = 1;
const NOTHING: BindingValue = { id: 0, prefixlen: 0 };

type Change = readonly [kind: number, key: string, binding: BindingValue];

/** Writes by the program `write_bindings`. */
export function throughProgram(writer: number): Trie {
	return {
		setMany: (entries) =>
			write(
				writer,
				entries.map(([key, binding]) => [SET, key, binding]),
			),
		deleteMany: (keys) =>
			write(
				writer,
				keys.map((key) => [DELETE, key, NOTHING]),
			),
	};
}

function write(writer: number, changes: readonly Change[]): void {
	for (let at = 0; at < changes.length; at += MAX_CHANGES) {
		const some = changes.slice(at, at + MAX_CHANGES);
		const data = Buffer.alloc(HEADER + some.length * bindingChange.size);
		for (const [i, [kind, key, binding]] of some.entries())
			bindingChange.write(data, HEADER + i * bindingChange.size, {
				kind,
				key,
				binding,
			});
		const done = testRun(writer, { data }).verdict;
		if (done !== some.length)
			throw new BpfError("write bindings", "ENOSPC", {
				because: "the table is full, or out of memory",
			});
	}
}
