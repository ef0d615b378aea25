// Needs root and a kernel with BPF.
import { killedTests, withTables } from "@sluice/cli-kit/testing";
import test from "ava";
import { cli } from "../src/cli.js";

const before = ["set 0 1 gue,dnat gw", "set 1 1 proxy,snat gw"];

const lines = (...list: string[]) => `${list.join("\n")}\n`;

// Without "del all": it is one system call, which a kill does not cut, as this test would.
const writers = {
	"set of a new row": { line: "set lo 0 1 gue lo" },
	"set of other flags": { line: "set 0 1 gue,dnat,fast gw" },
	"set of one flag": { line: "set 0 +dump" },
	del: { line: "del 0" },
	batch: {
		line: "batch -",
		input: lines("set 0 2 gue a", "del 1", "set lo 1 3 proxy b"),
	},
	restore: {
		line: "restore -",
		input: lines("set 0 2 gue a", "set lo 1 3 proxy b"),
	},
};

const nexts = {
	"an unrelated set": { line: "set if4000 0 1 gue gone" },
	"a batch": { line: "batch -", input: "set if4000 0 1 gue gone\n" },
};

killedTests(withTables(test), cli, { before, writers, nexts });
