import { fuzz, withTables } from "@sluice/cli-kit/testing";
import test from "ava";
import { cli } from "../src/cli.js";

withTables(test)("no line is a bug", (t, tables) =>
	fuzz(t, tables, cli, {
		vocabulary: [
			..."0 1 0 1 2 all lo nope if7 4294967295".split(" "),
			..."8 0x11 gue,dnat proxy,fib dump gw node".split(" "),
		],
	}),
);
