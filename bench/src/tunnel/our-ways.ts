import { join } from "node:path";
import type { Host, Testbed } from "@sluice/testbed";
import { buildPath, type Path, PROXY } from "./path.js";

const attach = join(import.meta.dirname, "../../../scripts/attach_tc.sh");
const program = join(import.meta.dirname, "program.ts");

export type Settings = {
	/** How many stand in the tables. */
	services?: number;
	/** A flag of the gateway's and the node's rows, or of the gateway's ingress. */
	flag?: "dump" | "fast";
	/** Attached by tcx, not as filters. */
	tcx?: boolean;
	/** Directory of other objects than this tree's: those of an earlier release. */
	objects?: string;
};

/** The GUE tunnel, with TABLE-NAT in place of conntrack. */
export function ours({ services = 3, flag, tcx, objects }: Settings = {}) {
	return async (bed: Testbed): Promise<Path> => {
		const path = await buildPath(bed, PROXY);
		const run = async (host: Host, role: string, interfaces: string[]) => {
			const env = objects ? [`SLUICE_BPF_DIR=${objects}`] : [];
			for (const name of interfaces)
				await host.run("env", [
					...[...env, attach, name],
					...(tcx ? ["--tcx"] : []),
				]);
			await host.run(process.execPath, [
				...["--import=tsx", program, role, String(services)],
				...(flag ? [flag] : []),
			]);
		};
		await run(path.gateway, "gateway", ["lan", "wan"]);
		await run(path.node, "node", ["eth0"]);
		return path;
	};
}
