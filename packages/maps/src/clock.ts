import { readFileSync } from "node:fs";
import { libc } from "./libc.js";

const CLOCK_BOOTTIME = 7;

const clock_gettime = libc("int clock_gettime(int clock, void *timespec)");

/** Nanoseconds since boot, suspension included, like `bpf_ktime_get_boot_ns`. */
export function nanosecondsSinceBoot(): bigint {
	const timespec = Buffer.alloc(16);
	clock_gettime(CLOCK_BOOTTIME, timespec);
	return (
		timespec.readBigInt64LE(0) * NANOSECONDS +
		timespec.readBigInt64LE(8) -
		ofNamespace()
	);
}

const CLOCK_TAI = 11;

/** Nanoseconds of International Atomic Time by the kernel's clock, like `bpf_ktime_get_tai_ns`. */
export function nanosecondsTai(): bigint {
	const timespec = Buffer.alloc(16);
	clock_gettime(CLOCK_TAI, timespec);
	return timespec.readBigInt64LE(0) * NANOSECONDS + timespec.readBigInt64LE(8);
}

/** Seconds since a time of that clock. Modulo 2^64 ns, so that a time before boot is one, too. */
export const secondsSince = (time: bigint): number =>
	Number(BigInt.asIntN(64, nanosecondsSinceBoot() - time)) / 1e9;

const NANOSECONDS = 1_000_000_000n;

let offset: bigint | undefined;

/** What a time namespace adds to the clock of its processes; programs of the kernel read it without. */
function ofNamespace(): bigint {
	offset ??= readOffset();
	return offset;
}

function readOffset(): bigint {
	try {
		const text = readFileSync("/proc/self/timens_offsets", "utf8");
		const [, seconds, nanoseconds] =
			/^boottime\s+(-?\d+)\s+(\d+)$/m.exec(text) ?? [];
		return BigInt(seconds ?? 0) * NANOSECONDS + BigInt(nanoseconds ?? 0);
	} catch {
		// A kernel without time namespaces.
		return 0n;
	}
}
