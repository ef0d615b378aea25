import { existsSync, readFileSync } from "node:fs";
import { Failure } from "./failure.js";

/** The error where `bpffs` is no bpffs; one that `ip netns exec` has hidden is recognised. */
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
				: `mount it (mount -t bpf -o mode=0700 bpf ${bpffs}), or name another bpffs with --bpffs`,
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
