import { readdirSync, readFileSync } from "node:fs";

/** Threads of the kernel that go on with packets where a sender's own time is up. @returns ns of CPU time since boot */
export function softirqTime(): number {
	let sum = 0;
	for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name)))
		try {
			if (!readFileSync(`/proc/${pid}/comm`, "utf8").startsWith("ksoftirqd/"))
				continue;
			sum += Number(
				readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ")[0],
			);
		} catch {
			// It has ended meanwhile.
		}
	return sum;
}
