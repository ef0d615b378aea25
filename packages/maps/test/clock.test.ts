import { execFileSync } from "node:child_process";
import { needs, testWith } from "@sluice/testbed";
import test from "ava";
import { nanosecondsSinceBoot, secondsSince } from "../src/index.js";

const rootTest = testWith(test, needs.root);

test("a time before boot is as long ago as it is", (t) => {
	const now = nanosecondsSinceBoot();
	const yearAgo = 365n * 86_400n;
	const time = BigInt.asUintN(64, now - yearAgo * 1_000_000_000n);
	t.is(Math.floor(secondsSince(time) - Number(yearAgo)), 0);
});

rootTest("a time namespace does not change the kernel's clock", (t) => {
	const there = execFileSync(
		"unshare",
		[
			...["--time", "--boottime", "86400", process.execPath, "--import=tsx"],
			...["--print", `require("./src/clock.ts").nanosecondsSinceBoot()`],
		],
		{ encoding: "utf8" },
	);
	const since = secondsSince(BigInt(/\d+/.exec(there)?.[0] ?? "0"));
	t.true(since >= 0 && since < 3600, `${since} s`);
});
