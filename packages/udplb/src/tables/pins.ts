import { mkdirSync, readdirSync, rmdirSync, rmSync, statSync } from "node:fs";
import path from "node:path";
import { Failure, noBpffs } from "@sluice/cli-kit";
import { isBpffs } from "@sluice/maps/bpffs";

/** Maps that are pinned beside the program: for `stats`, and for inspection. */
export const pinnedMaps = ["keys", "slots", "upstreams", "traffic", "outcomes"];
const PROGRAM = "udplb";

export const programPin = (directory: string) => path.join(directory, PROGRAM);

/**
 * Where an interface's pins are: `<bpffs>/udplb/<inode of the network namespace>-<interface index>`. One bpffs may
 * serve several network namespaces, and an interface may have several names, and get others.
 */
export const pinDirectory = (bpffs: string, index: number) =>
	path.join(bpffs, "udplb", `${prefix()}${index}`);

/** The path in udplb 0.1.0: under the interface's name. bpffs refuses dots, so they are written %2e. */
export const pinDirectoryByName = (bpffs: string, name: string) =>
	path.join(
		bpffs,
		"udplb",
		`${namespace()}_${encodeURIComponent(name).replaceAll(".", "%2e")}`,
	);

/** Indices of the interfaces of this network namespace that have pins. */
export function pinnedInterfaces(bpffs: string): number[] {
	try {
		return readdirSync(path.join(bpffs, "udplb"))
			.filter((name) => name.startsWith(prefix()))
			.map((name) => Number(name.slice(prefix().length)));
	} catch {
		return [];
	}
}

/** @throws Failure environment: no rights */
export function makePinDirectory(directory: string): void {
	try {
		mkdirSync(directory, { recursive: true, mode: 0o750 });
	} catch (cause) {
		const { code = "EIO" } = cause as NodeJS.ErrnoException;
		throw new Failure(
			"environment",
			`make ${directory}: not permitted (${code})`,
			{
				code,
				hint: "run as root or with CAP_BPF and CAP_NET_ADMIN",
				cause,
			},
		);
	}
}

/** Removes the pins of udplb, and the directory. */
export function removePins(directory: string): void {
	for (const name of [...pinnedMaps, PROGRAM]) {
		rmSync(path.join(directory, name), { force: true });
		rmSync(path.join(directory, `${name}_new`), { force: true });
	}
	try {
		rmdirSync(directory);
		rmdirSync(path.dirname(directory));
	} catch {
		// Other interfaces have theirs there.
	}
}

/** @throws Failure environment: not a bpffs */
export function requireBpffs(bpffs: string): void {
	if (!isBpffs(bpffs)) throw noBpffs(bpffs);
}

const namespace = () => statSync("/proc/self/ns/net").ino;
const prefix = () => `${namespace()}-`;
