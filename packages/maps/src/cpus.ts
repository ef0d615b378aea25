import { readFileSync } from "node:fs";

let count: number | undefined;

/**
 * CPUs that the kernel could ever have, as `libbpf_num_possible_cpus`: per-CPU buffers are sized by these,
 * not by the ones online, or the kernel writes past their end.
 */
export function possibleCpus(): number {
	count ??= highestOf(
		readFileSync("/sys/devices/system/cpu/possible", "utf8").trim(),
	);
	return count;
}

/** "0-3,8-11" → 12. */
function highestOf(list: string): number {
	return Number(list.split(/[-,]/).at(-1)) + 1;
}
