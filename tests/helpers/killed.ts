import { type Host, killedAtCall, traced, writingCalls } from "@sluice/testbed";
import { bin } from "./cli.js";

function argvOf(line: string): string[] {
	const [name = "", ...args] = line.split(" ");
	return [process.execPath, bin(name), ...args];
}

const run = (host: Host, [program = "", ...args]: string[]) =>
	host.run(program, args, { reject: false });

/**
 * The numbers of a command's calls that change a table, counting its bpf(2)
 * calls from 1. The command is carried out.
 */
export async function writes(host: Host, line: string): Promise<number[]> {
	const { stderr } = await run(host, traced(argvOf(line)));
	return writingCalls(stderr);
}

/**
 * Runs a command, and kills it with -9 as it makes its bpf(2) call of that number.
 * @returns whether it made so many
 */
export async function killedAt(
	host: Host,
	line: string,
	call: number,
): Promise<boolean> {
	const { signal } = await run(host, killedAtCall(argvOf(line), call));
	return signal === "SIGKILL";
}
