import test from "ava";
import { clock, isoTime, unixTime } from "../src/index.js";

test("a time since boot is a time of day", (t) => {
	const timeOf = unixTime({ nanosecondsSinceBoot: () => 5_000_000_000n });
	const now = timeOf(5_000_000_000n);
	t.true(Math.abs(Number(now / 1_000_000n) - Date.now()) < 60_000);
	t.is(timeOf(6_000_000_000n) - now, 1_000_000_000n);
});

test("a time is written to the microsecond", (t) => {
	const time = 1_764_155_820_000_123_456n;
	t.is(isoTime(time), "2025-11-26T11:17:00.000123Z");
	t.regex(clock(time), /^\d\d:\d7:00\.000123$/);
});
