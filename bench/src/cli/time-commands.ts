// Runs commands in turn on the current host, and prints the CPU time of each, by name and round.
// On standard input: {"rounds": 15, "commands": {"get": ["node", "cli.cjs", "get", "all"]}}
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { type Commands, type Cost, interleaveCommands } from "./commands.js";

// Bash's `time` reads getrusage, which Node has for itself only. Milliseconds.
const TIMED = "TIMEFORMAT='%R %U %S'; time \"$@\" >/dev/null 2>/dev/null";

const { rounds, commands }: { rounds: number; commands: Commands } = JSON.parse(
	readFileSync(0, "utf8"),
);
console.log(JSON.stringify(interleaveCommands(commands, rounds, run)));

/** Output goes nowhere, as for a script that looks at the exit code. */
function run(command: readonly string[]): Cost {
	const { status, stderr } = spawnSync(
		"bash",
		["-c", TIMED, "time", ...command],
		{
			stdio: ["ignore", "ignore", "pipe"],
			encoding: "utf8",
		},
	);
	// 2 is a mistake on the command line, which is measured, too.
	if (status !== 0 && status !== 2)
		throw new Error(`${command.join(" ")}: exit code ${status}`);
	const [wall = 0, user = 0, system = 0] = stderr.trim().split(" ").map(Number);
	return { wall: 1000 * wall, cpu: 1000 * (user + system) };
}
