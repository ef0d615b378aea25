import { execFileSync } from "node:child_process";
import { withTables } from "@sluice/cli-kit/testing";
import test from "ava";

/** `test` with pinned tables, on a machine that has 127.0.0.1. */
export const it = withTables(test);

if (process.getuid?.() === 0)
	test.before(() => {
		execFileSync("ip", ["link", "set", "lo", "up"]);
	});
