import { readFileSync } from "node:fs";

let count: number | undefined;

/**
 * CPUs that the kernel could ever have, as `libbpf_num_possible_cpus`: the kernel copies a value for each of these, not
 * for each that is online.
 */
export function possibleCpus(): number {
	count ??= cpusOf(readFileSync("/sys/devices/system/cpu/possible", "utf8"));
	return count;
}

/** The number of CPUs in a list of the kernel, which may have gaps: "0-3,8-11" → 8. */
export const cpusOf = (list: string): number =>
	list
		.trim()
		.split(",")
		.map((range) => range.split("-").map(Number))
		.reduce((sum, [first = 0, last = first]) => sum + last - first + 1, 0);
