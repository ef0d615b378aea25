import test from "ava";
import {
	type Candidate,
	deal,
	suits,
	tableSizes,
} from "../../src/tables/maglev.js";

const candidates = (count: number, weight = () => 1): Candidate[] =>
	Array.from({ length: count }, (_, i) => ({
		name: `10.0.${i >> 8}.${i & 255}:2222`,
		weight: weight(),
	}));

function counts(slots: Uint32Array, count: number): number[] {
	const all = new Array<number>(count).fill(0);
	for (const i of slots) all[i] = (all[i] as number) + 1;
	return all;
}

for (const count of [2, 3, 10, 100, 1000, 65_535])
	test(`${count} candidates of one weight get the same share, give or take a few slots`, (t) => {
		const [size = 0] = tableSizes([count]);
		const shares = counts(deal(candidates(count), size), count);
		const even = size / count;
		t.true(
			Math.min(...shares) >= Math.floor(even) - 2,
			`${Math.min(...shares)} of ${even}`,
		);
		t.true(
			Math.max(...shares) <= Math.ceil(even) + 2,
			`${Math.max(...shares)} of ${even}`,
		);
	});

for (const count of [2, 3, 5, 10, 20, 50])
	test(`when one of ${count} candidates goes, the others keep their slots but for 2 %`, (t) => {
		const all = candidates(count);
		const [size = 0] = tableSizes([count]);
		const before = deal(all, size);
		for (let gone = 0; gone < count; gone++) {
			const rest = all.filter((_, i) => i !== gone);
			const after = deal(rest, size);
			let moved = 0;
			for (let slot = 0; slot < size; slot++)
				if (
					before[slot] !== gone &&
					all[before[slot] as number] !== rest[after[slot] as number]
				)
					moved++;
			t.true(moved / size <= 0.02, `${moved} of ${size} slots`);
		}
	});

test("weights are shares", (t) => {
	const slots = deal(
		[
			{ name: "a", weight: 1 },
			{ name: "b", weight: 2 },
			{ name: "c", weight: 97 },
		],
		7673,
	);
	const [a = 0, b = 0, c = 0] = counts(slots, 3);
	t.true(Math.abs(a - 76.7) < 3, `${a}`);
	t.true(Math.abs(b - 153.5) < 3, `${b}`);
	t.is(a + b + c, 7673);
});

test("the order of the candidates hardly matters", (t) => {
	const all = candidates(10);
	const reversed = all.toReversed();
	const one = deal(all, 7673);
	const other = deal(reversed, 7673);
	let same = 0;
	for (let slot = 0; slot < 7673; slot++)
		if (all[one[slot] as number] === reversed[other[slot] as number]) same++;
	t.true(same / 7673 > 0.9, `${same} of 7673`);
});

test("one candidate needs one slot", (t) => {
	t.deepEqual(tableSizes([1]), [1]);
	t.deepEqual([...deal(candidates(1), 1)], [0]);
});

test("tables are smaller where there are many", (t) => {
	t.deepEqual(tableSizes([10, 1]), [7673, 1]);
	t.is(tableSizes(new Array(10_000).fill(10))[0], 953);
});

test("a table keeps its size while that suits", (t) => {
	t.true(suits(7673, 15_359, 12));
	t.true(suits(7673, 7673, 9));
	t.false(suits(7673, 1, 1));
	t.false(suits(1, 1913, 2));
	t.true(suits(1, 1, 1));
	t.false(suits(479, 15_359, 100));
	t.false(suits(61_417, 1913, 2));
});
