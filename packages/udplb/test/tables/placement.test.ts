import test from "ava";
import { NoRoom, Placement, sizesFor } from "../../src/tables/placement.js";
import type { Target } from "../../src/tables/target.js";

const target = (port: number, ...hosts: string[]): Target => ({
	address: "10.0.0.1",
	port,
	action: "block",
	strategy: "src-port",
	upstreams: hosts.map((host) => ({
		host,
		address: host,
		port: 1,
		weight: 1,
		local: false,
		ifindex: 2,
	})),
});

test("what does not change keeps its place, and its object", (t) => {
	const placement = new Placement({ chunks: 1000, upstreams: 10 });
	const first = placement.place([target(1, "a", "b"), target(2, "c")]);
	const second = placement.place([target(2, "c"), target(1, "a", "b")]);
	for (const name of ["10.0.0.1:1", "10.0.0.1:2"])
		t.is(first.get(name), second.get(name));
	t.deepEqual(placement.free(first), []);
});

test("another set of upstreams gets other slots beside the old, and keeps the indices of those that stay", (t) => {
	const placement = new Placement({ chunks: 1000, upstreams: 10 });
	const first = placement.place([target(1, "a", "b", "c")]);
	const before = first.get("10.0.0.1:1");
	const after = placement.place([target(1, "a", "c", "d")]).get("10.0.0.1:1");
	t.deepEqual(before?.indices, [0, 1, 2]);
	t.deepEqual(after?.indices, [0, 2, 3]);
	t.not(after?.chunk, before?.chunk);
	t.is(after?.slots, before?.slots);
	t.deepEqual(placement.free(first), [1]);
	t.deepEqual(
		placement.place([target(1, "a", "c", "d", "e")]).get("10.0.0.1:1")?.indices,
		[0, 2, 3, 1],
	);
});

test("where there is no room nothing changes", (t) => {
	const placement = new Placement({ chunks: 240, upstreams: 3 });
	const first = placement.place([target(1, "a", "b")]);
	t.throws(() => placement.place([target(1, "c", "d")]), {
		instanceOf: NoRoom,
	});
	t.is(placement.placed, first);
	const now = placement.place([target(1, "a", "c")]);
	t.deepEqual(now.get("10.0.0.1:1")?.indices, [0, 2]);
});

test("the room that is needed is counted in whole chunks", (t) => {
	t.deepEqual(sizesFor([target(1, "a"), target(2, "a", "b")]), {
		chunks: 1 + Math.ceil(1913 / 16),
		upstreams: 3,
	});
});
