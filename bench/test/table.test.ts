import test from "ava";
import { figure, format } from "../src/table.js";

test("a table shows the base's figure and the ratio of the others to it", (t) => {
	const table = {
		title: "streams",
		base: "routing",
		columns: ["routing", "ours"],
		rows: [
			{
				title: "up",
				unit: "Gbit/s",
				samples: { routing: [10, 20, 10], ours: [11, 24, 10] },
			},
			{ title: "down", unit: "Gbit/s", samples: { routing: [1234.4] } },
		],
	};

	t.is(
		format(table),
		[
			"streams",
			"      routing              ours",
			"up    1.00 = 10.0 Gbit/s   1.10 [1.00 1.20]",
			"down  1.00 = 1 234 Gbit/s  –",
		].join("\n"),
	);
});

test("a table without a base shows figures with their minimum and maximum", (t) => {
	const table = {
		title: "times",
		columns: ["ns"],
		rows: [{ title: "encap", unit: "ns", samples: { ns: [180, 120, 150] } }],
	};

	t.is(format(table), "times\n       ns\nencap  150 ns [120 180]");
});

test("a figure has three digits that say something", (t) => {
	t.deepEqual([0.012345, 9.876, 123.4, 1234567].map(figure), [
		"0.0123",
		"9.88",
		"123",
		"1 234 567",
	]);
});
