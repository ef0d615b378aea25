import { testbed } from "@sluice/testbed";
import { udpPackets } from "../generators/iperf.js";
import { ROUNDS } from "../interleave.js";
import type { Table } from "../table.js";
import { ours } from "./our-ways.js";
import { type Hook, runTime, withProgramTimes } from "./program-time.js";

const column = "ns for each run";

/** What each program takes for a 64-byte UDP packet, by the kernel's own clock. */
export async function programTimes(seconds: number): Promise<Table> {
	const bed = await testbed();
	try {
		const { client, gateway, node, target } = await ours(3)(bed);
		const hooks: [string, Hook][] = [
			["DNAT", { host: gateway, name: "lan", direction: "ingress" }],
			["encap", { host: gateway, name: "wan", direction: "egress" }],
			["decap", { host: node, name: "eth0", direction: "ingress" }],
		];
		const samples = new Map<string, number[]>(
			hooks.map(([title]) => [title, []]),
		);
		await withProgramTimes(async () => {
			for (let round = 0; round < ROUNDS; round++) {
				const before = await Promise.all(
					hooks.map(([, hook]) => runTime(hook)),
				);
				await udpPackets(client, target, seconds);
				for (const [i, [title, hook]] of hooks.entries()) {
					const after = await runTime(hook);
					const { ns, runs } = before[i] ?? { ns: 0, runs: 0 };
					samples.get(title)?.push((after.ns - ns) / (after.runs - runs));
				}
			}
		});
		return {
			title: "tunnel: time of the programs, 64-byte UDP",
			columns: [column],
			rows: hooks.map(([title]) => ({
				title,
				unit: "ns",
				samples: { [column]: samples.get(title) ?? [] },
			})),
		};
	} finally {
		await bed.close();
	}
}
