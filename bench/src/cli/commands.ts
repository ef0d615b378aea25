import { join } from "node:path";
import type { Host } from "@sluice/testbed";

/** Command lines by name. "%" in an argument becomes the number of the round, so that every run writes something new. */
export type Commands = Record<string, readonly string[]>;

const program = join(import.meta.dirname, "time-commands.ts");

/** What a whole process cost, from fork to exit, in ms. */
export type Cost = {
	/** On the clock. */
	wall: number;
	/** Of all processors, user and system. */
	cpu: number;
};

/** Costs of whole processes in a host, interleaved. @returns by name and round */
export async function timeCommands(
	host: Host,
	commands: Commands,
	rounds: number,
	env: Record<string, string> = {},
): Promise<Record<string, Cost[]>> {
	const { stdout } = await host.run(
		process.execPath,
		["--import=tsx", program],
		{ input: JSON.stringify({ rounds, commands }), env },
	);
	return JSON.parse(stdout);
}

/** As `interleave`, but in one go, with nothing between a command's start and its end but the command. */
export function interleaveCommands(
	commands: Commands,
	rounds: number,
	run: (command: readonly string[]) => Cost,
): Record<string, Cost[]> {
	const costs: Record<string, Cost[]> = {};
	for (let round = 0; round < rounds; round++) {
		for (const [name, command] of Object.entries(commands)) {
			const line = command.map((word) => word.replaceAll("%", `${round}`));
			costs[name] ??= [];
			costs[name].push(run(line));
		}
	}
	return costs;
}
