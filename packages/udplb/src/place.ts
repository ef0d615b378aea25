import { readdirSync, statSync } from "node:fs";
import path from "node:path";
import { Failure } from "@sluice/cli-kit";
import { isBpffs } from "@sluice/maps/bpffs";

/**
 * Where an interface's pins are: `<bpffs>/udplb/<inode of the network namespace>_<interface>`. Names of interfaces
 * are unique in their namespace only, and one bpffs may serve several. bpffs refuses dots, so they are written %2e.
 */
export function pinDirectory(bpffs: string, device: string): string {
	return path.join(bpffs, "udplb", `${prefix()}${encode(device)}`);
}

/** Interfaces of this network namespace that have pins. */
export function pinnedInterfaces(bpffs: string): string[] {
	try {
		return readdirSync(path.join(bpffs, "udplb"))
			.filter((name) => name.startsWith(prefix()))
			.map((name) => decodeURIComponent(name.slice(prefix().length)));
	} catch {
		return [];
	}
}

/** @throws Failure environment: not a bpffs */
export function requireBpffs(bpffs: string): void {
	if (isBpffs(bpffs)) return;
	throw new Failure("environment", `no bpffs at ${bpffs}`, {
		code: "NO_BPFFS",
		hint: 'mount it (mount -t bpf bpf /sys/fs/bpf), or name another with --bpffs; "ip netns exec" hides it behind a new /sys',
	});
}

const prefix = () => `${statSync("/proc/self/ns/net").ino}_`;

const encode = (device: string) =>
	encodeURIComponent(device).replaceAll(".", "%2e");
