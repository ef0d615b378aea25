import { join } from "node:path";
import { compileBpf, type Host } from "@sluice/testbed";

/** Puts a program of this directory on a hook, before every other filter. */
export async function addFilter(
	host: Host,
	device: string,
	direction: "ingress" | "egress",
	source: string,
	define: Record<string, string | number> = {},
): Promise<void> {
	const object = compileBpf(join(import.meta.dirname, source), { define });
	await host.run("tc", ["qdisc", "replace", "dev", device, "clsact"]);
	await host.run("tc", [
		...["filter", "add", "dev", device, direction, "pref", "1"],
		...["bpf", "direct-action", "object-file", object, "section", "tc"],
	]);
}
