// Needs root and a kernel with BPF.
import { needs, testWith } from "@sluice/testbed";
import test from "ava";
import { possibleCpus } from "../src/index.js";
import {
	arrayTable,
	fresh,
	hashTable,
	percpuTable,
	trieTable,
} from "./helpers/kinds.js";

const it = testWith(test, needs.root, needs.bpf);
const pairOf = (number: number) => ({ number, port: number & 0xffff, rest: 7 });

it("a hash gives what was set, and undefined for what was not", (t) => {
	const table = fresh(t, hashTable);
	t.is(table.get(1), undefined);
	table.set(1, pairOf(10));
	table.set(1, pairOf(11));
	t.deepEqual(table.get(1), pairOf(11));
	t.true(table.delete(1));
	t.false(table.delete(1));
	t.is(table.get(1), undefined);
	t.is(table.maxEntries, 50_000);
	t.is(table.name, "hash");
});

it("set demands or refuses an entry as its mode says", (t) => {
	const table = fresh(t, hashTable);
	const exist = t.throws(() => table.set(1, pairOf(1), "exist"));
	t.is(exist?.message, "write hash: no such entry (ENOENT)");
	table.set(1, pairOf(1), "new");
	const again = t.throws(() => table.set(1, pairOf(2), "new"));
	t.is(again?.message, "write hash: it is there already (EEXIST)");
	table.set(1, pairOf(3), "exist");
	t.deepEqual(table.get(1), pairOf(3));
});

it("entries are all there, however many", (t) => {
	const table = fresh(t, hashTable);
	t.deepEqual([...table.entries()], []);
	const count = 40_000;
	table.setMany(
		Array.from({ length: count }, (_, i) => [i, pairOf(i)] as const),
	);
	const seen = new Map(table.entries());
	t.is(seen.size, count);
	for (const key of [0, 1, 16_383, 16_384, count - 1])
		t.deepEqual(seen.get(key), pairOf(key));
	t.deepEqual(
		[...seen.keys()].sort((a, b) => a - b),
		Array.from({ length: count }, (_, i) => i),
	);
});

it("many entries are overwritten, and deleted where they are", (t) => {
	const table = fresh(t, hashTable);
	table.setMany([]);
	table.setMany([
		[1, pairOf(1)],
		[2, pairOf(2)],
	]);
	table.setMany(
		(function* () {
			for (let i = 2; i < 6; i++) yield [i, pairOf(10 * i)] as const;
		})(),
	);
	t.deepEqual(
		[...table.entries()].map(([key, { number }]) => [key, number]).sort(),
		[
			[1, 1],
			[2, 20],
			[3, 30],
			[4, 40],
			[5, 50],
		],
	);
	// Holes at the beginning, in the middle, twice in a row and at the end.
	t.is(table.deleteMany([99, 1, 98, 97, 3, 5, 96]), 3);
	t.is(table.deleteMany(new Set([1, 3])), 0);
	t.is(table.deleteMany([]), 0);
	t.deepEqual([...table.entries()].map(([key]) => key).sort(), [2, 4]);
	t.is(table.deleteMany([2, 2, 4]), 2);
	t.deepEqual([...table.entries()], []);
});

it("deleting while entries are read is safe", (t) => {
	const table = fresh(t, hashTable);
	const count = 20_000;
	table.setMany(
		Array.from({ length: count }, (_, i) => [i, pairOf(i)] as const),
	);
	let seen = 0;
	for (const [key] of table.entries()) {
		table.delete(key);
		seen++;
	}
	t.is(seen, count);
	t.deepEqual([...table.entries()], []);
});

it("a table that is full says so, one by one and many at once", (t) => {
	const table = fresh(t, percpuTable);
	const values = Array.from({ length: possibleCpus() }, () => 0);
	const keys = Array.from({ length: 17 }, (_, i) => i);
	const many = t.throws(() =>
		table.setMany(keys.map((key) => [key, values] as const)),
	);
	t.is(many?.message, "write percpu: the table is full (E2BIG)");
	// What came before the one that failed is written.
	t.is([...table.entries()].length, 16);
	const one = t.throws(() => table.set(99, values));
	t.is(one?.message, "write percpu: the table is full (E2BIG)");
});

it("per-CPU values are one for each possible CPU", (t) => {
	const table = fresh(t, percpuTable);
	const values = Array.from({ length: possibleCpus() }, (_, cpu) => cpu + 5);
	table.set(1, values);
	table.setMany([[2, values.toReversed()]]);
	t.deepEqual(table.get(1), values);
	t.deepEqual(
		[...table.entries()].sort(([a], [b]) => a - b),
		[
			[1, values],
			[2, values.toReversed()],
		],
	);
	t.is(table.deleteMany([1, 3, 2]), 2);
});

it("a trie gives the longest match, and all entries without the kernel's batches", (t) => {
	const table = fresh(t, trieTable);
	const key = (length: number, text: string) => ({
		length,
		bytes: Buffer.from(text.split(".").map(Number)),
	});
	table.setMany([
		[key(8, "10.0.0.0"), 8n],
		[key(24, "10.1.2.0"), 24n],
	]);
	table.set(key(32, "10.1.2.3"), 32n);
	t.is(table.get(key(32, "10.1.2.3")), 32n);
	t.is(table.get(key(32, "10.1.2.4")), 24n);
	t.is(table.get(key(32, "10.9.9.9")), 8n);
	t.is(table.get(key(32, "11.0.0.0")), undefined);
	t.deepEqual(
		[...table.entries()].map(([{ length }, value]) => [length, value]).sort(),
		[
			[24, 24n],
			[32, 32n],
			[8, 8n],
		],
	);
	t.is(
		table.deleteMany([
			key(24, "10.1.2.0"),
			key(24, "10.1.3.0"),
			key(8, "10.0.0.0"),
		]),
		2,
	);
	t.deepEqual(
		[...table.entries()].map(([, value]) => value),
		[32n],
	);
});

it("entries of a trie can be deleted while they are read", (t) => {
	const table = fresh(t, trieTable);
	const count = 300;
	for (let i = 0; i < count; i++)
		table.set(
			{ length: 32, bytes: Buffer.from([10, 0, i >> 8, i]) },
			BigInt(i),
		);
	let seen = 0;
	for (const [key] of table.entries()) {
		t.true(table.delete(key));
		seen++;
	}
	t.is(seen, count);
	t.deepEqual([...table.entries()], []);
});

it("an array always has all its entries", (t) => {
	const table = fresh(t, arrayTable);
	table.set(1, 5);
	t.deepEqual(
		[...table.entries()],
		[
			[0, 0],
			[1, 5],
			[2, 0],
		],
	);
	const beyond = t.throws(() => table.set(3, 1));
	t.is(beyond?.message, "write array: the table is full (E2BIG)");
	const refused = t.throws(() => table.delete(1));
	t.is(
		refused?.message,
		"delete from array: the kernel refuses the arguments (EINVAL)",
	);
});

it("a value that its codec refuses is not written", (t) => {
	const table = fresh(t, hashTable);
	table.set(1, pairOf(1));
	t.throws(() => table.set(1, { number: -1, port: 1, rest: 1 }), {
		instanceOf: RangeError,
	});
	t.throws(
		() =>
			table.setMany([
				[1, pairOf(2)],
				[2, { number: 1, port: 70_000, rest: 1 }],
			]),
		{ instanceOf: RangeError },
	);
	t.deepEqual([...table.entries()], [[1, pairOf(1)]]);
});
