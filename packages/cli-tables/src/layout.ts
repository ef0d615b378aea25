import type { Field } from "./btf.js";
import type { Raw } from "./raw.js";

/** Rewrites a key or value of one layout in another. */
type Convert = (bytes: Uint8Array) => Uint8Array;

/**
 * Whether maps are of one kind, so that a program of either can use either. Fields may have got other names.
 * `maxEntries` is not compared.
 */
export const sameLayout = (a: Raw, b: Raw): boolean =>
	a.info.type === b.info.type &&
	a.info.flags === b.info.flags &&
	a.info.keySize === b.info.keySize &&
	a.info.valueSize === b.info.valueSize &&
	sameOffsets(a.key, b.key) &&
	sameOffsets(a.value, b.value);

/** Whether every field that both have is at the same place. Paddings are no fields. */
function sameOffsets(a: readonly Field[], b: readonly Field[]): boolean {
	const places = new Map(a.map(({ path, offset }) => [path, offset]));
	return b.every(
		({ path, offset }) =>
			isPadding(path) || (places.get(path) ?? offset) === offset,
	);
}

/** A field may take the place of a padding, which is shorter then. */
const isPadding = (path: string) => /(^|\.)pad$/.test(path);

/**
 * Copies every field that both layouts have, by its path in the C type. A field that is new is zero; an integer that is
 * wider keeps its value (little-endian). Without BTF, the bytes that both have are copied.
 */
export function converter(
	from: readonly Field[],
	to: readonly Field[],
	size: number,
): Convert {
	const places = new Map(from.map((field) => [field.path, field]));
	const moves = to.flatMap(({ path, offset, size: wide }) => {
		const old = places.get(path);
		return old ? [{ offset, old, length: Math.min(wide, old.size) }] : [];
	});
	if (from.length === 0 || to.length === 0)
		return (bytes) => {
			const result = new Uint8Array(size);
			result.set(bytes.subarray(0, size));
			return result;
		};
	return (bytes) => {
		const result = new Uint8Array(size);
		for (const { offset, old, length } of moves)
			result.set(bytes.subarray(old.offset, old.offset + length), offset);
		return result;
	};
}
