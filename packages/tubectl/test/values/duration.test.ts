import test from "ava";
import { duration, seconds } from "../../src/values/duration.js";

test("A duration is a sum of parts, as in Go", (t) => {
	t.is(duration("timeout", "30s"), 30_000);
	t.is(duration("timeout", "1m30s"), 90_000);
	t.is(duration("timeout", "500ms"), 500);
	t.is(duration("timeout", "1.5h"), 5_400_000);
	t.is(duration("timeout", "20us"), 0.02);
	t.is(duration("timeout", "1s5ns"), 1000.000005);
});

for (const text of ["30", "s", "", "-1s", "1s!"])
	test(`"${text}" is not a duration`, (t) => {
		t.throws(() => duration("timeout", text), {
			message: `timeout must be a duration such as 30s or 1m30s, got "${text}"`,
		});
	});

test("Seconds may have a fraction and a unit", (t) => {
	t.is(seconds("wait", "5"), 5000);
	t.is(seconds("wait", "0.5"), 500);
	t.is(seconds("wait", "5s"), 5000);
	t.throws(() => seconds("wait", "soon"), {
		message: 'wait must be a number of seconds, got "soon"',
	});
});
