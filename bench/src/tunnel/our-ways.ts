import { join } from "node:path";
import type { Host, Testbed } from "@sluice/testbed";
import { buildPath, NODE, type Path, PROXY } from "./path.js";

const attach = join(import.meta.dirname, "../../../scripts/attach_tc.sh");
const program = join(import.meta.dirname, "program.ts");

export type Settings = {
	/** How many stand in the tables. */
	services?: number;
	/** A flag of the gateway's and the node's rows, or of the gateway's ingress. */
	flag?: "dump" | "fast";
	/** Attached by tcx, not as filters. */
	tcx?: boolean;
	/** Most bytes of an outer packet: of the gateway's route to the node. */
	mtu?: number;
	/** Directory of other objects than this tree's: those of an earlier release. */
	objects?: string;
};

/** The GUE tunnel, with TABLE-NAT in place of conntrack. */
export function ours({ services = 3, flag, tcx, mtu, objects }: Settings = {}) {
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
		if (mtu)
			await path.gateway.run("ip", [
				...["route", "add", `${NODE}/32`, "dev", "wan"],
				...["mtu", "lock", String(mtu)],
			]);
		return path;
	};
}
