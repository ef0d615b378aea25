import {
	type Cli,
	command,
	counted,
	Failure,
	toJson,
	values,
} from "@sluice/cli-kit";
import manifest from "../package.json" with { type: "json" };
import { examine } from "./examine.js";
import { lines } from "./format.js";
import { lookAround } from "./world.js";

const SECONDS = 2;
/** As cli_tunnel ping has it. */
const PING_INTERVAL = 10;

const examination = command({
	usage: "$0",
	summary: "Report what prevents tunnels from working on this machine",
	examples: [
		["", "Run all checks"],
		["--seconds 10", "Compare the counters over ten seconds"],
		[
			"--json | jq -r '.findings[].fix // empty'",
			"Print the commands that fix the findings",
		],
	],
	// Where there is no libbpf, that is a finding.
	kernel: false,
	options: {
		seconds: {
			type: "string",
			describe: `Seconds between the two readings of the counters [default: ${SECONDS}]`,
		},
		"ping-interval": {
			type: "string",
			describe: `Seconds between two pings of the nodes [default: ${PING_INTERVAL}]`,
		},
	},
	parse: (args) => ({
		seconds: values.seconds(
			"seconds",
			args.optional("seconds") ?? String(SECONDS),
		),
		pingInterval: values.seconds(
			"ping-interval",
			args.optional("ping-interval") ?? String(PING_INTERVAL),
		),
	}),
	async run(options, { env, bpffs, json }) {
		const result = await examine(await lookAround(env, bpffs, options));
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
export const cli: Cli = {
	name: "cli_doctor",
	summary: "report what prevents tunnels from working on this machine",
	version: manifest.version,
	commands: [examination],
};
