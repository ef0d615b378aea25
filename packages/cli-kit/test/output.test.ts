import test from "ava";
import { ageText, aligned, counted, toJson } from "../src/index.js";

test("columns are as wide as their widest cell, numbers to the right", (t) => {
	t.deepEqual(
		aligned(
			[
				["name", "packets", "x"],
				["a", "7", ""],
				["longer", "12345678", "y"],
			],
			[false, true],
		),
		["name     packets  x", "a              7", "longer  12345678  y"],
	);
	t.deepEqual(aligned([]), []);
});

test("things are counted in words", (t) => {
	t.deepEqual(
		[0, 1, 2].map((count) => counted(count, "row")),
		["0 rows", "1 row", "2 rows"],
	);
});

test("a bigint in JSON is a number where that is exact, else a string", (t) => {
	t.is(
		toJson({ a: 9_007_199_254_740_991n, b: [9_007_199_254_740_993n], c: "x" }),
		'{"a":9007199254740991,"b":["9007199254740993"],"c":"x"}',
	);
	t.is(toJson([]), "[]");
});

test("an age is one unit, rounded down", (t) => {
	t.deepEqual([0, 59.9, 60, 3599, 3600, 86_399, 86_400, 864_000].map(ageText), [
		"0 s",
		"59 s",
		"1 min",
		"59 min",
		"1 h",
		"23 h",
		"1 d",
		"10 d",
	]);
});
