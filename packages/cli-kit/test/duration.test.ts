import test from "ava";
import { duration } from "../src/duration.js";

test("A duration is seconds, or a sum of parts as in Go", (t) => {
	t.is(duration("timeout", "30"), 30_000);
	t.is(duration("timeout", "0.5"), 500);
	t.is(duration("timeout", "30s"), 30_000);
	t.is(duration("timeout", "1m30s"), 90_000);
	t.is(duration("timeout", "500ms"), 500);
	t.is(duration("timeout", "1.5h"), 5_400_000);
	t.is(duration("timeout", "20us"), 0.02);
	t.is(duration("timeout", "1s5ns"), 1000.000005);
	t.is(duration("timeout", "24h"), 86_400_000);
});

for (const text of ["s", "", "-1s", "1s!", "1 s", "25h", "soon"])
	test(`"${text}" is not a duration`, (t) => {
		t.throws(() => duration("timeout", text), {
			message: `timeout must be a time of a day at most, such as 30, 30s or 1m30s, got "${text}"`,
		});
	});
