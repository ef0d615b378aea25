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

/** How many CPUs a list of the kernel's has, whose numbers may have gaps: "0-3,8-11" → 8. */
export const cpusOf = (list: string): number =>
	list
		.trim()
		.split(",")
		.map((range) => range.split("-").map(Number))
		.reduce((sum, [first = 0, last = first]) => sum + last - first + 1, 0);
