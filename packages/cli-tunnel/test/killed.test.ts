// Needs root and a kernel with BPF.
import { killedTests, withTables } from "@sluice/cli-kit/testing";
import test from "ava";
import { cli } from "../src/cli.js";

const before = [
	"set 1 10.0.0.1 6080 0 0",
	"set 2 10.0.0.1 6080 0 0",
	"set 3 10.0.0.3 6080 0 0",
];

const lines = (...list: string[]) => `${list.join("\n")}\n`;

const writers = {
	"set of a new tunnel": { line: "set 9 10.0.0.9 6080 0 0" },
	"set of a new tunnel at a shared endpoint": {
		line: "set 9 10.0.0.1 6080 0 0",
	},
	"set that moves a tunnel": { line: "set 1 10.0.0.9 6080 0 0" },
	"set that moves a tunnel to a shared endpoint": {
		line: "set 3 10.0.0.1 6080 0 0",
	},
	del: { line: "del 3" },
	"del of one that shares its endpoint": { line: "del 1" },
	"del all": { line: "del all" },
	batch: {
		line: "batch -",
		input: lines(
			"set 1 10.0.0.9 6080 10.9.0.1 6080",
			"del 3",
			"set 4 10.0.0.1 6080 0 0",
		),
	},
	restore: {
		line: "restore -",
		input: lines("set 3 10.0.0.4 6080 10.9.0.1 6080", "set 5 10.0.0.1 1 0 0"),
	},
};

const nexts = {
	"an unrelated set": { line: "set 4 10.0.0.4 6080 0 0" },
	"an unrelated del": { line: "del 8 --if-exists" },
	"a batch": { line: "batch -", input: "set 4 10.0.0.1 6080 0 0\n" },
};

killedTests(withTables(test), cli, { before, writers, nexts });
