import { type StatsFs, statfsSync } from "node:fs";
import { dirname, join } from "node:path";

/** `BPF_FS_MAGIC` of linux/magic.h. */
const BPF_FS_MAGIC = 0xcafe4a11;

/** Whether `path`, or the nearest directory above it that exists, lies in a bpffs. */
export function isBpffs(path: string): boolean {
	const stats = nearestStats(path);
	// statfs gives the magic as a signed or unsigned number, by platform.
	return stats !== undefined && stats.type >>> 0 === BPF_FS_MAGIC;
}

function nearestStats(path: string): StatsFs | undefined {
	for (let at = path; ; at = dirname(at)) {
		try {
			return statfsSync(at);
		} catch {
			if (at === dirname(at)) return undefined;
		}
	}
}

/** The default bpffs: TC_BPF_MNT, as in iproute2, else /sys/fs/bpf. */
export function defaultBpffs(
	environment: NodeJS.ProcessEnv = process.env,
): string {
	return environment.TC_BPF_MNT || "/sys/fs/bpf";
}

/** Where `tc` pins maps by name. */
export function tcPins(bpffs: string): string {
	return join(bpffs, "tc", "globals");
}
