import test from "ava";
import { byRank } from "../src/rank.js";

const ordered = test.macro({
	title: (_, ranks: (number | string)[]) => `[${ranks}] is put in order`,
	exec(t, ranks: (number | string)[], expected: number[]) {
		t.deepEqual([...byRank(ranks)], expected);
	},
});

test(ordered, [], []);
test(ordered, [7], [0]);
test(ordered, [3, 1, 2], [1, 2, 0]);
test(ordered, [2, 10, 1], [2, 0, 1]);
test(ordered, [9, 3, 9, 0], [3, 1, 0, 2]);
test(ordered, [15, 16], [0, 1]);
test(ordered, [5, 0, 5, 0], [1, 3, 0, 2]);
test(ordered, [2 ** 33, 0, 2 ** 32], [1, 2, 0]);
test(ordered, [2 ** 53 - 1, 1, 2 ** 53 - 2, 1], [1, 3, 2, 0]);
test(ordered, ["b", "a", "ab", "a"], [1, 3, 2, 0]);
