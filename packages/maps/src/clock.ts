import { libc } from "./libc.js";

const CLOCK_BOOTTIME = 7;

const clock_gettime = libc("int clock_gettime(int clock, void *timespec)");

/** Nanoseconds since boot, suspension included: what `bpf_ktime_get_boot_ns` gives a program. */
export function nanosecondsSinceBoot(): bigint {
	const timespec = Buffer.alloc(16);
	clock_gettime(CLOCK_BOOTTIME, timespec);
	return (
		timespec.readBigInt64LE(0) * 1_000_000_000n + timespec.readBigInt64LE(8)
	);
}
