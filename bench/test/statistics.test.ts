import test from "ava";
import { ratios, spread } from "../src/statistics.js";

test("the median of an odd count is the one in the middle", (t) => {
	t.deepEqual(spread([30, 10, 20]), { median: 20, min: 10, max: 30 });
});

test("the median of an even count is the mean of the two in the middle", (t) => {
	t.deepEqual(spread([40, 10, 20, 30]), { median: 25, min: 10, max: 40 });
});

test("nothing measured has no median", (t) => {
	t.throws(() => spread([]), {
		instanceOf: RangeError,
		message: "nothing was measured",
	});
});

test("a ratio is taken to the figure of the same round", (t) => {
	t.deepEqual(ratios([10, 30], [20, 10]), [0.5, 3]);
});

test("a round in which the base was not measured gives no ratio", (t) => {
	t.deepEqual(ratios([10, 30], [20]), [0.5]);
});
