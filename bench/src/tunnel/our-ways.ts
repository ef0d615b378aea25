import { join } from "node:path";
import type { Host, Testbed } from "@sluice/testbed";
import { buildPath, type Path, PROXY } from "./path.js";

const attach = join(import.meta.dirname, "../../../scripts/attach_tc.sh");
const program = join(import.meta.dirname, "program.ts");

/** The GUE tunnel, with TABLE-NAT in place of conntrack. */
export function ours(services: number, dump = false) {
	return async (bed: Testbed): Promise<Path> => {
		const path = await buildPath(bed, PROXY);
		const options = [String(services), ...(dump ? ["dump"] : [])];
		await run(path.gateway, ["lan", "wan"], ["gateway", ...options]);
		await run(path.node, ["eth0"], ["node", ...options]);
		return path;
	};
}

async function run(
	host: Host,
	interfaces: string[],
	args: string[],
): Promise<void> {
	for (const name of interfaces) await host.run(attach, [name]);
	await host.run(process.execPath, ["--import=tsx", program, ...args]);
}
