import type { Batch } from "@sluice/maps";
import { ByteIndex } from "@sluice/maps/byte-index";
import type { Codec } from "@sluice/maps/codec";
import { Sum, words } from "@sluice/maps/sum";
import { sid, type Verify, verify } from "@sluice/maps/tables";
import type { ServiceTables } from "./tables.js";

// The rows of TABLE-ENCAP and TABLE-NAT follow from those of TABLE-VERIFY (encapRow, natRows): their words are words of it. So
// a sum of all of them is compared with a sum of the table's own, in a fraction of the time of lookups.

/** Bytes of a word. */
const WORD = 4;

/** A row, by the words of a VERIFY row that its key and its value are made of; the first word is that row's key. */
interface Part {
	key: readonly number[];
	value: readonly number[];
}

function encapParts(): Part[] {
	const value = [...wordsOf("tunnel"), 0, ...wordsOf("key")];
	return [{ key: wordsOf("backend"), value }];
}

function natParts(): Part[] {
	const [proxy, backend] = [wordsOf("proxy"), wordsOf("backend")];
	return [
		{ key: backend, value: proxy },
		{ key: proxy, value: backend },
	];
}

function wordsOf(field: keyof Verify): number[] {
	const [offset, { size }] = verify.fields[field] as [number, Codec<unknown>];
	const first = (sid.size + offset) / WORD;
	return Array.from({ length: size / WORD }, (_, i) => first + i);
}

/**
 * Whether TABLE-ENCAP and TABLE-NAT have the rows that follow from TABLE-VERIFY, and no others.
 * @param services all rows of TABLE-VERIFY
 */
export const partsFollow = (
	services: Batch,
	tables: Pick<ServiceTables, "encap" | "nat">,
): { encap: boolean; nat: boolean } => ({
	encap: follow(services, encapParts(), tables.encap.batches()),
	nat: follow(services, natParts(), tables.nat.batches()),
});

function follow(
	services: Batch,
	parts: readonly Part[],
	rows: Iterable<Batch>,
): boolean {
	const expected = new Sum();
	const own = new Sum();
	const { count } = services;
	const [{ key, value }] = parts as [Part];
	const sizes = { keySize: key.length, valueSize: value.length };
	for (const { key, value } of parts) {
		const row = { keys: pick(services, key), values: pick(services, value) };
		expected.add({ ...row, ...sizes, count }, { seed: 0 });
	}
	for (const { keys, values, count } of rows)
		own.add(
			{ keys: words(keys), values: words(values), ...sizes, count },
			{ seed: 0 },
		);
	return expected.bytes().equals(own.bytes());
}

/** These words of each row, one row behind the other. */
function pick(
	{ keys, values, count }: Batch,
	wanted: readonly number[],
): Int32Array {
	const sids = words(keys);
	const rest = words(values);
	const size = verify.size / WORD;
	const picked = new Int32Array(count * wanted.length);
	for (let i = 0; i < wanted.length; i++) {
		const word = wanted[i] as number;
		const [from, step, first] =
			word === 0 ? [sids, 1, 0] : [rest, size, word - 1];
		for (let row = 0; row < count; row++)
			picked[row * wanted.length + i] = from[row * step + first] as number;
	}
	return picked;
}

/**
 * The order in which keys are added, as a rank; other keys are last.
 * @param each adds all keys
 */
export function rankByOrder<K>(
	codec: Codec<K>,
	each: (add: (key: K) => void) => void,
): (key: K) => number {
	const order = new ByteIndex(codec.size);
	const bytes = Buffer.alloc(codec.size);
	const find = (key: K) => {
		codec.write(bytes, 0, key);
		return order.find(bytes, 0);
	};
	each((key) => {
		if (find(key) < 0) order.add(bytes, 0);
	});
	return (key) => {
		const number = find(key);
		return number < 0 ? order.count : number;
	};
}
