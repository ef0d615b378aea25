import type { Host } from "@sluice/testbed";
import { cli } from "./cli.js";

export type Traffic = { packets: bigint; bytes: bigint };

/** What crossed a tunnel at a host, by direction. */
export async function crossed(
	host: Host,
	tunnel: number,
): Promise<{ ingress: Traffic; egress: Traffic }> {
	const { stdout } = await cli(host, `cli_tunnel stats ${tunnel} --json`);
	const [row] = JSON.parse(stdout).tunnels;
	const traffic = (of: { packets: string; bytes: string }): Traffic => ({
		packets: BigInt(of.packets),
		bytes: BigInt(of.bytes),
	});
	return { ingress: traffic(row.ingress), egress: traffic(row.egress) };
}
