/**
 * The command line that runs another one and writes each of its bpf(2) calls to standard error, a line a call.
 * @param options of strace
 */
export const traced = (argv: readonly string[], ...options: string[]) => [
	...["strace", "-f", "-qq", "-e", "trace=bpf", ...options, ...argv],
];

/**
 * The numbers of the calls that change a table, counting all from 1.
 * @param trace the output of `traced`
 */
export const writingCalls = (trace: string): number[] =>
	trace
		.split("\n")
		.filter((text) => text.includes("bpf(BPF_"))
		.flatMap((call, index) =>
			/BPF_MAP_(UPDATE|DELETE)/.test(call) ? [index + 1] : [],
		);

/** The command line that runs another one and ends it by SIGKILL as it makes its bpf(2) call of that number. */
export const killedAtCall = (argv: readonly string[], call: number) =>
	traced(
		argv,
		...["-o", "/dev/null", "-e", `inject=bpf:signal=SIGKILL:when=${call}`],
	);
