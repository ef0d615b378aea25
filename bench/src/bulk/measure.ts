import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Host } from "@sluice/testbed";
import { timeCommands } from "../cli/commands.js";

const peakMemory = join(import.meta.dirname, "peak-memory.cjs");

/** A command of Node.js whose memory is measured. */
export const node = (...args: string[]): string[] => [
	process.execPath,
	"--require",
	peakMemory,
	...args,
];

/** Times commands in ms, and takes the most memory of each program and verb in MB. */
export async function measure(
	host: Host,
	directory: string,
	rounds: number,
	commands: Record<string, string[]>,
) {
	const file = join(directory, "peak-memory");
	const costs = await timeCommands(host, commands, rounds, {
		PEAK_MEMORY: file,
	});
	const times = Object.fromEntries(
		Object.entries(costs).map(([name, each]) => [
			name,
			each.map(({ wall }) => wall),
		]),
	);
	const memory = new Map<string, number[]>();
	for (const line of readFileSync(file, "utf8").trim().split("\n")) {
		const [name = "", megabytes] = line.split("\t");
		memory.set(name, [...(memory.get(name) ?? []), Number(megabytes)]);
	}
	rmSync(file);
	return { times, memory };
}
