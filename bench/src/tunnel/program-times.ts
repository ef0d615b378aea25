import { join } from "node:path";
import { type Testbed, testbed } from "@sluice/testbed";
import { EARLIER } from "../earlier.js";
import { tcpStream, udpPackets } from "../generators/iperf.js";
import { ROUNDS } from "../interleave.js";
import type { Row, Table } from "../table.js";
import { addFilter } from "./filter.js";
import { routing } from "./kernel-ways.js";
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
		const each = ["DNAT", "encap", "decap"] as const;
		const hooks = [
			await empty(bed),
			...(await hooksOf(bed, {}, each)),
			...(await hooksOf(bed, { flag: "fast" }, ["DNAT + encap + route"])),
			...(EARLIER
				? await hooksOf(
						bed,
						{ objects: join(EARLIER, "bpf/dist") },
						each.map((title) => `earlier: ${title}`),
					)
				: []),
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

type Found = [title: string, hook: Hook, path: Path];

/** A path's programs, without offloads: at the gateway's ingress and egress, at the node's ingress. */
async function hooksOf(
	bed: Testbed,
	settings: Settings,
	titles: readonly string[],
): Promise<Found[]> {
	const path = await ours(settings)(bed);
	for (const link of path.links) await link.offloads(false);
	const hooks: Hook[] = [
		{ ...lanIngress(path), program: "pfc_ingress" },
		{
			...{ host: path.gateway, name: "wan", direction: "egress" },
			program: "pfc_egress",
		},
		{
			...{ host: path.node, name: "eth0", direction: "ingress" },
			program: "pfc_ingress",
		},
	];
	return titles.map((title, i) => [title, hooks[i] as Hook, path]);
}

/** A program that does nothing, where the kernel routes. */
async function empty(bed: Testbed): Promise<Found> {
	const path = await routing(bed);
	for (const link of path.links) await link.offloads(false);
	await addFilter(path.gateway, "lan", "ingress", "empty.bpf.c");
	return [
		"a program that does nothing",
		{ ...lanIngress(path), program: "empty" },
		path,
	];
}

const lanIngress = ({ gateway: host }: Path) =>
	({ host, name: "lan", direction: "ingress" }) as const;
