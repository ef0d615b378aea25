import test from "ava";
import { SizeSearch } from "../src/size-search.js";

/** Searches a path that takes `mtu`, where some tries are lost; the number of steps is the second result. */
function find(
	[least, most]: [number, number],
	mtu: number,
	isLost: (size: number) => boolean = () => false,
): [number, number] {
	const search = new SizeSearch(least, most);
	let steps = 0;
	for (let sizes = search.step(); sizes.length > 0; sizes = search.step()) {
		steps++;
		search.end(
			sizes,
			new Set(sizes.filter((size) => size <= mtu && !isLost(size))),
		);
	}
	return [search.found, steps];
}

test("every size between the two is found, in few steps", (t) => {
	for (let mtu = 576; mtu <= 1500; mtu++) {
		const [found, steps] = find([576, 1500], mtu);
		t.is(found, mtu);
		t.true(steps <= 4, `${steps} steps for ${mtu}`);
	}
	t.deepEqual(find([576, 9000], 9000), [9000, 1]);
	t.is(find([1280, 65_535], 1300)[0], 1300);
});

test("a link that takes no more than every path takes needs no search", (t) => {
	t.deepEqual(find([1280, 1280], 1280), [1280, 0]);
	t.deepEqual(find([1280, 500], 1280), [1280, 0]);
});

test("a smaller size that is lost does not matter; the largest that comes through counts", (t) => {
	t.deepEqual(
		find([576, 1500], 1500, (size) => size < 1500),
		[1500, 1],
	);
	const [found] = find([576, 1500], 1400, (size) => size < 1300);
	t.is(found, 1400);
});
