import { type Stats, statSync } from "node:fs";
import { BpfError } from "@sluice/maps/errors";
import { badInput } from "./failure.js";

/**
 * The inode of the network namespace at `path`, which is its number in the kernel.
 * @throws Failure usage: it is none; BpfError environment: it cannot be looked at
 */
export function netnsInode(path: string): number {
	const stats = path === "" ? undefined : stat(path);
	if (stats?.dev !== stat("/proc/self/ns/net").dev)
		throw badInput(
			`netns must be a path to a network namespace, got "${path}"`,
			"such paths are /proc/PID/ns/net and /run/netns/NAME",
		);
	return stats.ino;
}

function stat(path: string): Stats {
	try {
		return statSync(path);
	} catch (cause) {
		const { code = "EIO" } = cause as NodeJS.ErrnoException;
		throw new BpfError(`open network namespace ${path}`, code, {
			...(code === "ENOENT" ? { because: "no such file" } : {}),
			environment: true,
			cause,
		});
	}
}
