import {
	command,
	counted,
	Failure,
	type Program,
	toJson,
} from "@sluice/cli-kit";
import manifest from "../package.json" with { type: "json" };
import { examine } from "./examine.js";
import { lines } from "./format.js";
import { lookAround } from "./world.js";

const examination = command({
	usage: "$0",
	summary: "Look for what would stop the tunnel from working here",
	examples: [
		["", "Look at everything"],
		[
			"--json | jq -r '.findings[].fix'",
			"The commands that mend what is wrong",
		],
	],
	// Where there is no libbpf, that is a finding.
	kernel: false,
	parse: () => undefined,
	async run(_, { env, bpffs, json }) {
		const result = await examine(await lookAround(env, bpffs));
		env.out(
			json
				? `${toJson(result)}\n`
				: lines(result)
						.map((line) => `${line}\n`)
						.join(""),
		);
		const { length } = result.findings;
		if (length > 0)
			throw new Failure("failed", counted(length, "finding"), {
				code: "FINDINGS",
			});
	},
});

/** What would stop Sluice from working on this machine. */
export const cli: Program = {
	name: "cli_doctor",
	summary: "say what would stop the tunnel from working on this machine",
	version: manifest.version,
	commands: [examination],
};
