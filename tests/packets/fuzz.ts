/**
 * Runs random and mutated packets through both programs, and as many to a gateway on either path: `npm run fuzz -w tests -- --count 1000000 --seed 1`.
 * Prints what became of them; ends with 1 and the packet where something that must hold does not.
 */
import { parseArgs } from "node:util";
import { fuzz } from "../helpers/fuzz.js";
import { fuzzPaths } from "../helpers/fuzz-paths.js";

const { values } = parseArgs({
	options: {
		count: { type: "string", default: "1000000" },
		seed: { type: "string", default: "1" },
	},
});
const { totals } = fuzz(Number(values.count), Number(values.seed));
for (const [outcome, times] of totals)
	console.log(`${outcome.padEnd(24)}${times}`);
const taken = fuzzPaths(Number(values.count), Number(values.seed));
console.log(`${taken} took the fast path, all went the same on both`);
