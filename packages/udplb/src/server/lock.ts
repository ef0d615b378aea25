import { setTimeout } from "node:timers/promises";
import { Failure } from "@sluice/cli-kit";
import { tryLock } from "@sluice/maps";
import { makePinDirectory } from "../tables/pins.js";

/** How long a process that is replaced may take to end, in milliseconds. */
const PATIENCE = 15_000;

/**
 * Ends the process that holds a directory's lock, and takes the lock.
 * @throws Failure failed: it does not end
 */
export async function takeLockFrom(
	pid: number,
	directory: string,
): Promise<() => void> {
	end(pid);
	for (const start = performance.now(); ; await setTimeout(20)) {
		// Its last step may be to remove the directory.
		makePinDirectory(directory);
		const unlock = tryLock(directory);
		if (unlock) return unlock;
		if (performance.now() - start > PATIENCE)
			throw new Failure("failed", `process ${pid} does not end by SIGTERM`);
	}
}

/** Ends a process and waits for it. @throws Failure failed: it does not end */
export async function endProcess(pid: number): Promise<void> {
	end(pid);
	for (const start = performance.now(); lives(pid); await setTimeout(20))
		if (performance.now() - start > PATIENCE)
			throw new Failure("failed", `process ${pid} does not end by SIGTERM`);
}

function end(pid: number): void {
	if (lives(pid)) process.kill(pid, "SIGTERM");
}

function lives(pid: number): boolean {
	try {
		return process.kill(pid, 0);
	} catch {
		return false;
	}
}
