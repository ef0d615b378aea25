import { readdirSync, statSync } from "node:fs";
import path from "node:path";
import { noBpffs } from "@sluice/cli-kit";
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
	if (!isBpffs(bpffs)) throw noBpffs(bpffs);
}

const prefix = () => `${statSync("/proc/self/ns/net").ino}_`;

const encode = (device: string) =>
	encodeURIComponent(device).replaceAll(".", "%2e");
