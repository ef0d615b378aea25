import { fuzz, withTables } from "@sluice/cli-kit/testing";
import test from "ava";
import { cli } from "../src/cli.js";

withTables(test)("no line is a bug", (t, tables) =>
	fuzz(t, tables, cli, {
		leaveOut: ["ping"],
		vocabulary: [
			..."1 2 42 100 0x64 4294967295 4294967296 all".split(" "),
			..."10.0.0.1 10.0.0.2 fd00::1 ::ffff:1.2.3.4 1.1 010.0.0.1 0".split(" "),
			..."6080 0 65535 65536".split(" "),
		],
	}),
);
