// Needs root and BPF: runs the loaded programs on packets.
import { needs, testWith } from "@sluice/testbed";
import test from "ava";
import { fuzz } from "../helpers/fuzz.js";
import { fuzzPaths } from "../helpers/fuzz-paths.js";

const bpfTest = testWith(test.serial as typeof test, needs.root, needs.bpf);

bpfTest("20 000 random and mutated packets do no harm", (t) => {
	t.timeout(120_000);
	const { totals } = fuzz(20_000, 12);
	// The generator is worth something only where it gets past the first checks.
	for (const outcome of [
		"decapsulated",
		"encapsulated",
		"ping-learned",
		"token",
	] as const)
		t.true((totals.get(outcome) ?? 0) >= 5, outcome);
});

bpfTest("5 000 random and mutated packets go the same on both paths", (t) => {
	t.timeout(120_000);
	t.true(fuzzPaths(5_000, 6) > 100);
});
