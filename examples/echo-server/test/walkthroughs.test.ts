import { join } from "node:path";
import { needs, testWith } from "@sluice/testbed";
import test from "ava";
import { execa } from "execa";

// Each runs in a host of its own and compares what it sees with what it must see.
const examples = join(import.meta.dirname, "../..");

for (const name of ["tubular-quickstart", "echo-server", "echo-dispatch"])
	testWith(
		test,
		needs.root,
		needs.bpf,
	)(`The walk-through ${name} runs to its end`, async (t) => {
		const { exitCode, stderr } = await execa(join(examples, name, "run.sh"), {
			reject: false,
		});
		t.is(exitCode, 0, stderr);
	});
