// Runs commands in turn in the host it stands in, and prints what each took, in ms, by name and round.
// On standard input: {"rounds": 15, "commands": {"get": ["node", "cli.cjs", "get", "all"]}}
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { type Commands, interleaveCommands } from "./commands.js";

const { rounds, commands }: { rounds: number; commands: Commands } = JSON.parse(
	readFileSync(0, "utf8"),
);
console.log(JSON.stringify(interleaveCommands(commands, rounds, run)));

/** The whole process, from fork to exit. Output goes nowhere, as for a script that looks at the exit code. */
function run([file = "", ...args]: readonly string[]): void {
	const { status, stderr } = spawnSync(file, args, {
		stdio: ["ignore", "ignore", "pipe"],
		encoding: "utf8",
	});
	if (status !== 0) throw new Error(`${args.join(" ")}: ${stderr}`);
}
