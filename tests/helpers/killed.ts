import type { Host } from "@sluice/testbed";
import { bin } from "./cli.js";

/** A command line under strace, with what is said of its system calls. */
async function traced(host: Host, line: string, ...options: string[]) {
	const [name = "", ...args] = line.split(" ");
	return host.run(
		"strace",
		[
			...["-f", "-qq", "-e", "trace=bpf", ...options],
			...[process.execPath, bin(name), ...args],
		],
		{ reject: false },
	);
}

/**
 * The numbers of a command's calls that change a table, counting its bpf(2)
 * calls from 1. The command is carried out.
 */
export async function writes(host: Host, line: string): Promise<number[]> {
	const { stderr } = await traced(host, line);
	const calls = stderr.split("\n").filter((text) => text.includes("bpf(BPF_"));
	return calls.flatMap((call, index) =>
		/BPF_MAP_(UPDATE|DELETE)/.test(call) ? [index + 1] : [],
	);
}

/** Runs a command, and kills it with -9 as it makes its bpf(2) call of that number. */
export async function killedAt(
	host: Host,
	line: string,
	call: number,
): Promise<void> {
	const inject = `inject=bpf:signal=SIGKILL:when=${call}`;
	const { signal } = await traced(host, line, "-o", "/dev/null", "-e", inject);
	if (signal !== "SIGKILL") throw new Error(`${line}: outlived call ${call}`);
}
