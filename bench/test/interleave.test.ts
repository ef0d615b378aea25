import test from "ava";
import { interleave } from "../src/interleave.js";

test("every contender is measured once a round, and each begins in turn", async (t) => {
	const order: string[] = [];
	const contender = (name: string) => ({
		name,
		measure: async () => order.push(name),
	});

	const samples = await interleave(["a", "b", "c"].map(contender), 3);

	t.deepEqual(order.join(""), "abcbcacab");
	t.deepEqual(samples, { a: [1, 6, 8], b: [2, 4, 9], c: [3, 5, 7] });
});
