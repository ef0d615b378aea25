import { type Testbed, testbed } from "@sluice/testbed";
import { tcpStream, udpPackets } from "../generators/iperf.js";
import { ROUNDS } from "../interleave.js";
import type { Row, Table } from "../table.js";
import { addFilter } from "./filter.js";
import { ours, type Settings } from "./our-ways.js";
import type { Path } from "./path.js";
import { type Hook, runTime, withProgramTimes } from "./program-time.js";

/** UDP sockets leave no room for another header before a packet on veth, which then is allocated anew; TCP leaves enough. */
const loads = {
	"UDP 64 bytes, no headroom": ({ client, target }: Path, seconds: number) =>
		udpPackets(client, target, seconds),
	"TCP, GSO off": ({ client, target }: Path, seconds: number) =>
		tcpStream(client, target, seconds),
};

/** What each program takes for a run, by the kernel's own clock, beside a program that does nothing. */
export async function programTimes(seconds: number): Promise<Table> {
	const bed = testbed();
	try {
		const hooks = [
			...(await hooksOf(bed, {}, ["DNAT", "encap", "decap"])),
			...(await hooksOf(bed, { flag: "fast" }, ["DNAT + encap + route"])),
		];
		const rows = new Map(
			hooks.map(([title]): [string, Row] => [
				title,
				{ title, unit: "ns", samples: {} },
			]),
		);
		await withProgramTimes(async () => {
			for (const [column, load] of Object.entries(loads))
				for (let round = 0; round < ROUNDS; round++)
					for (const path of new Set(hooks.map(([, , path]) => path))) {
						const here = hooks.filter(([, , one]) => one === path);
						const before = await Promise.all(
							here.map(([, hook]) => runTime(hook)),
						);
						await load(path, seconds);
						for (const [i, [title, hook]] of here.entries()) {
							const after = await runTime(hook);
							const { ns, runs } = before[i] ?? { ns: 0, runs: 0 };
							const samples = rows.get(title)?.samples ?? {};
							samples[column] ??= [];
							samples[column].push((after.ns - ns) / (after.runs - runs));
						}
					}
		});
		return {
			title: "tunnel: time of the programs, a run",
			columns: Object.keys(loads),
			rows: [...rows.values()],
		};
	} finally {
		await bed.close();
	}
}

/** The path's programs, and one that does nothing, all without offloads. */
async function hooksOf(
	bed: Testbed,
	settings: Settings,
	[ingress, egress, decap]: string[],
): Promise<[title: string, hook: Hook, path: Path][]> {
	const path = await ours(settings)(bed);
	for (const link of path.links) await link.offloads(false);
	const lan = {
		host: path.gateway,
		name: "lan",
		direction: "ingress",
	} as const;
	const found: [string, Hook, Path][] = [];
	if (ingress) found.push([ingress, { ...lan, program: "pfc_ingress" }, path]);
	if (egress)
		found.push([
			egress,
			{
				...{ host: path.gateway, name: "wan", direction: "egress" },
				program: "pfc_egress",
			},
			path,
		]);
	if (decap) {
		found.push([
			decap,
			{
				...{ host: path.node, name: "eth0", direction: "ingress" },
				program: "pfc_ingress",
			},
			path,
		]);
		await addFilter(path.gateway, "lan", "ingress", "empty.bpf.c");
		found.unshift([
			"a program that does nothing",
			{ ...lan, program: "empty" },
			path,
		]);
	}
	return found;
}
