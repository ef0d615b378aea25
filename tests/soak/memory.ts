import { readFileSync } from "node:fs";

const field = (file: string, name: string) =>
	Number(
		new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(
			readFileSync(file, "utf8"),
		)?.[1],
	);

/** Memory of each CPU's own that the whole kernel has given out, to maps among others, in kilobytes. */
export const perCpuMemory = () => field("/proc/meminfo", "Percpu");

/** Resident memory of a process, in kilobytes. @throws Error ENOENT where it is gone */
export const residentMemory = (pid: number) =>
	field(`/proc/${pid}/status`, "VmRSS");

/** What a figure came to in the first and in the last quarter of its samples. */
export function trend(samples: readonly number[]): {
	before: number;
	after: number;
} {
	const quarter = Math.ceil(samples.length / 4);
	return {
		before: median(samples.slice(0, quarter)),
		after: median(samples.slice(-quarter)),
	};
}

function median(samples: readonly number[]): number {
	const sorted = [...samples].sort((a, b) => a - b);
	return sorted[sorted.length >> 1] ?? 0;
}
