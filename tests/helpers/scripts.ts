import * as tables from "@sluice/maps/tables";
import { type Host, needs, testbed, testWith } from "@sluice/testbed";
import test, { type ExecutionContext } from "ava";
import { PINS, script } from "./paths.js";

export { PINS };

/** A test of what the scripts do to a host. */
export const bpfTest = testWith(test.serial, needs.root, needs.bpf);

/** A host with one interface, and nothing attached to it. */
export async function hostWith(
	t: ExecutionContext,
	name = "eth0",
): Promise<Host> {
	t.timeout(180_000);
	const bed = testbed(t);
	const host = await bed.host("host");
	const peer = await bed.host("peer");
	await bed.link(
		{ host, name, addresses: ["10.0.0.1/24", "fd00::1/64"] },
		{ host: peer, name: "eth0", addresses: ["10.0.0.2/24", "fd00::2/64"] },
	);
	return host;
}

/** The bpf programs on a hook, in the order in which they run. */
export async function programs(
	host: Host,
	direction: "ingress" | "egress",
	name = "eth0",
): Promise<string[]> {
	const { stdout } = await host.run("tc", [
		...["filter", "show", "dev", name, direction],
	]);
	return [...stdout.matchAll(/pref (\d+) bpf .* name (\S+) tag/g)].map(
		([, pref, program]) => `${pref} ${program}`,
	);
}

/** Adds the filter of fixtures/foreign.bpf.c. */
export async function addForeign(
	host: Host,
	directory: string,
	direction: string,
	pref: string,
): Promise<void> {
	await host.run("tc", [
		...["filter", "add", "dev", "eth0", direction, "pref", pref],
		...["bpf", "direct-action", "object-file", `${directory}/foreign.o`],
		...["section", "tc"],
	]);
}

export async function pins(host: Host): Promise<string[]> {
	const { stdout } = await host.run("ls", [PINS]);
	return stdout.split("\n").filter((name) => name !== "");
}

/** The names of the tunnel programs' tables, which alone are pinned. */
export const pinsOfObjects = (): string[] =>
	Object.values(tables as Record<string, unknown>)
		.map((value) => (value as { name?: string }).name ?? "")
		.filter((name) => name.startsWith("map_"))
		.sort();

/** Runs one of the scripts. @throws Error where it fails */
export const run = (host: Host, name: string, ...args: string[]) =>
	host.run(script(name), args);

/** A script that is to fail with a code and one line. */
export async function fails(
	t: ExecutionContext,
	host: Host,
	[name, ...args]: [string, ...string[]],
	exitCode: number,
	stderr: string | RegExp,
	env: Record<string, string> = {},
): Promise<void> {
	const result = await host.run(script(name), args, { env, reject: false });
	t.like(result, { exitCode, stdout: "" }, result.stderr);
	if (typeof stderr === "string") t.is(result.stderr, stderr);
	else t.regex(result.stderr, stderr);
}
