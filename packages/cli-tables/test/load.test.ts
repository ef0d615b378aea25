// Needs root and BPF: loads an object.
import path from "node:path";
import { runInProcess } from "@sluice/cli-kit/testing";
import { compileBpf, needs, ownNamespaces, testWith } from "@sluice/testbed";
import test from "ava";
import { cli } from "../src/cli.js";

if (process.getuid?.() === 0) test.before(() => ownNamespaces());

testWith(
	test,
	needs.root,
	needs.bpf,
)("an object that is not what its name says is refused", async (t) => {
	const object = compileBpf(
		path.join(import.meta.dirname, "fixtures/programs.bpf.c"),
		{ define: { NAME: "pfc_egress" } },
	);
	t.deepEqual(await runInProcess(cli, ["load", object, "/sys/fs/bpf/other"]), {
		code: 1,
		out: "",
		err: `cli_tables: load: ${object} has no program ${path.basename(object)}\n`,
	});
});
