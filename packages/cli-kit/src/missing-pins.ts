import { existsSync, readFileSync } from "node:fs";
import { isBpffs } from "@sluice/maps/bpffs";
import { Failure } from "./failure.js";

/**
 * Why the tunnel programs' tables are not there, where that is what an error is about; any other error comes back
 * as it is.
 */
export function explainMissingPins(
	error: unknown,
	bpffs: string,
	pins: string,
): unknown {
	if ((error as { code?: string }).code !== "ENOENT") return error;
	if (!isBpffs(bpffs)) return noBpffs(bpffs, error);
	if (existsSync(pins))
		return new Failure("environment", (error as Error).message, {
			code: "ENOENT",
			hint: "attach the programs first with scripts/attach_tc.sh",
			cause: error,
		});
	return new Failure("environment", `no pinned tables in ${pins}`, {
		code: "NOT_PINNED",
		hint: "attach the programs first (scripts/attach_tc.sh), or name another bpffs with --bpffs",
		cause: error,
	});
}

/** There is no bpffs where one is looked for; one that `ip netns exec` has hidden is recognised. */
export function noBpffs(bpffs: string, cause?: unknown): Failure {
	const netns = netnsOfSys();
	return new Failure(
		"environment",
		netns
			? `no bpffs at ${bpffs}: "ip netns exec ${netns}" has mounted a new /sys over it`
			: `no bpffs at ${bpffs}`,
		{
			code: "NO_BPFFS",
			hint: netns
				? `enter the network namespace alone: nsenter --net=/run/netns/${netns} …`
				: "mount it (mount -t bpf bpf /sys/fs/bpf), or name another bpffs with --bpffs",
			cause,
		},
	);
}

/**
 * The network namespace whose `ip netns exec` mounted the /sys that this process sees: iproute2 gives the
 * namespace's name as the source of that mount.
 */
export function netnsOfSys(): string | undefined {
	const mounts = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
	const sys = mounts.filter((line) => line.split(" ")[4] === "/sys").at(-1);
	const source = sys?.split(" - ")[1]?.split(" ")[1];
	return source && source !== "sysfs" && existsSync(`/run/netns/${source}`)
		? source
		: undefined;
}
