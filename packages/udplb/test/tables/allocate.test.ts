import test from "ava";
import { Indices } from "../../src/tables/allocate.js";

test("runs are handed out from the lowest index on", (t) => {
	const indices = new Indices(10);
	t.deepEqual([indices.take(3), indices.take(1), indices.take(6)], [0, 3, 4]);
	t.is(indices.take(1), undefined);
});

test("runs that are given back are joined with their neighbours", (t) => {
	const indices = new Indices(10);
	for (let i = 0; i < 5; i++) indices.take(2);
	indices.give([
		{ at: 2, count: 2 },
		{ at: 6, count: 2 },
	]);
	t.is(indices.take(3), undefined);
	indices.give([{ at: 4, count: 2 }]);
	t.is(indices.take(6), 2);
});

test("what is left of a run stays free", (t) => {
	const indices = new Indices(4);
	indices.take(4);
	indices.give([{ at: 1, count: 3 }]);
	t.is(indices.take(1), 1);
	t.is(indices.take(2), 2);
	t.is(indices.take(1), undefined);
});
