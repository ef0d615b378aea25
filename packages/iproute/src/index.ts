import { type ExecFileException, execFile } from "node:child_process";

/** What `ip` or `tc` answered: rows, or the complaint of one that failed. */
export type Answer<T> = { rows: T[] } | { failed: string };

/** Asks `ip` or `tc` with --json. @throws ENOENT where there is no such program */
export async function ask<T>(
	program: "ip" | "tc",
	...words: string[]
): Promise<Answer<T>> {
	const { error, stdout, stderr } = await run(program, ["-json", ...words]);
	if (error?.code === "ENOENT") throw error;
	return error ? { failed: complaint(stderr) } : rowsIn(stdout);
}

/** By Node alone: execa would be half of the bundles that need no more than this. */
const run = (program: string, words: readonly string[]) =>
	new Promise<{
		error: ExecFileException | null;
		stdout: string;
		stderr: string;
	}>((resolve) =>
		execFile(
			program,
			words,
			{ maxBuffer: Number.POSITIVE_INFINITY },
			(error, stdout, stderr) => resolve({ error, stdout, stderr }),
		),
	);

/** An old iproute2 may not know --json everywhere. */
function rowsIn<T>(text: string): Answer<T> {
	try {
		return { rows: parseRows(text) };
	} catch {
		return { failed: "its answer is not JSON" };
	}
}

/** The rows that `ip` or `tc` has printed as JSON; nothing printed is none. @throws SyntaxError it is not JSON */
export const parseRows = <T>(text: string): T[] =>
	text.trim() === "" ? [] : JSON.parse(text);

/**
 * The interfaces of the default routes of both families, each once. A command that is given no interface means this one,
 * where it is the only one: so does scripts/lib.sh.
 *
 * @param routesOf runs `ip` with these words
 */
export async function defaultDevices(
	routesOf: (...words: string[]) => Promise<readonly Pick<Route, "dev">[]>,
): Promise<string[]> {
	const devices = new Set<string>();
	for (const family of ["-4", "-6"])
		for (const { dev } of await routesOf(family, "route", "show", "default"))
			if (dev) devices.add(dev);
	return [...devices];
}

const complaint = (stderr: string) =>
	(stderr.trimEnd().split("\n").at(-1) ?? "").replace(
		/^(RTNETLINK answers|Error): /,
		"",
	);

/** A row of `ip address`. */
export interface Interface {
	ifindex: number;
	ifname: string;
	/** "ether", "loopback", "none". */
	link_type?: string;
	mtu: number;
	/** "UP", "DOWN"; "UNKNOWN" of a device without a carrier. */
	operstate: string;
	addr_info: { local?: string; prefixlen?: number }[];
}

/** A row of `ip route`. */
export interface Route {
	type?: string;
	dst: string;
	dev?: string;
	gateway?: string;
	via?: { host: string };
	metrics?: { mtu?: number }[];
	cache?: string[];
}

/** A row of `ip neigh`. */
export interface Neighbour {
	dst: string;
	state: string[];
}

/** A row of `tc qdisc`. */
export interface Qdisc {
	kind: string;
	dev: string;
}

/** A row of `tc filter`. */
export interface Filter {
	protocol: string;
	pref: number;
	kind: string;
	chain?: number;
	options?: {
		handle?: string;
		/** "pfc_ingress_tc.o:[tc]": the file that a BPF program was loaded from. */
		bpf_name?: string;
		prog?: { id: number; name?: string };
	};
}
