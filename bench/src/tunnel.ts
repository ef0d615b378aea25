import { join } from "node:path";
import { type Testbed, testbed } from "@sluice/testbed";
import { EARLIER } from "./earlier.js";
import { connects } from "./generators/connects.js";
import { tcpCost, tcpStream, udpCost, udpPackets } from "./generators/iperf.js";
import { interleave } from "./interleave.js";
import type { Row, Table } from "./table.js";
import { dnat, redirect, routing, vxlan } from "./tunnel/kernel-ways.js";
import { ours } from "./tunnel/our-ways.js";
import type { Path } from "./tunnel/path.js";
import { programTimes } from "./tunnel/program-times.js";
import { proofTimes } from "./tunnel/proof-times.js";
import { senderTimes } from "./tunnel/sender-times.js";

const SECONDS = Number(process.env.SECONDS_EACH ?? 1);

type Ways = Record<string, (bed: Testbed) => Promise<Path>>;

type Measure = {
	title: string;
	unit: string;
	offloads?: false;
	measure: (path: Path) => Promise<number>;
};

const down: Measure = {
	title: "TCP stream, client → node",
	unit: "Gbit/s",
	measure: ({ client, target }) => tcpStream(client, target, SECONDS),
};
const up: Measure = {
	title: "TCP stream, node → client",
	unit: "Gbit/s",
	measure: ({ client, target }) =>
		tcpStream(client, target, SECONDS, { reverse: true }),
};
const udp: Measure = {
	title: "UDP, 64 bytes, received",
	unit: "packets/s",
	measure: ({ client, target }) => udpPackets(client, target, SECONDS),
};
const connect: Measure = {
	title: "TCP connects",
	unit: "/s",
	measure: ({ client, target }) => connects(client, target, SECONDS),
};
/** What the tunnel leaves of a segment, for all ways: how many packets a stream has depends on it. */
const MSS = 1408;

/** With it, writes of 128 KB divide well into segments: docs/operations.md, "MTU". */
const MTU = 1491;

const atTunnelsMss: Measure[] = [
	{
		title: "TCP stream, client → node, MSS 1408 for all",
		unit: "Gbit/s",
		measure: ({ client, target }) =>
			tcpStream(client, target, SECONDS, { mss: MSS }),
	},
	{
		title: "TCP stream, node → client, MSS 1408 for all",
		unit: "Gbit/s",
		measure: ({ client, target }) =>
			tcpStream(client, target, SECONDS, { mss: MSS, reverse: true }),
	},
];
const withoutGso = (measure: Measure): Measure => ({
	...measure,
	title: `${measure.title}, GSO off on the links`,
	offloads: false,
});

const cost: Measure = {
	title: "CPU per packet, UDP 64 bytes",
	unit: "ns",
	measure: ({ client, target }) => udpCost(client, target, SECONDS),
};

/** Steadier than the throughput on a machine that others use, too. */
const streamCosts: Measure[] = [
	{
		title: "CPU per KB, TCP stream, client → node",
		unit: "ns",
		measure: ({ client, target }) => tcpCost(client, target, SECONDS),
	},
	{
		title: "CPU per KB, TCP stream, node → client",
		unit: "ns",
		measure: ({ client, target }) =>
			tcpCost(client, target, SECONDS, { reverse: true }),
	},
];

const REDIRECT = "L2 redirect";

/** The tunnel against the kernel's own ways, against itself with full tables, and its programs by themselves. */
export async function* suite(): AsyncIterable<Table> {
	const table = await compare(
		"tunnel: client – gateway – node, MTU 1500",
		"routing + DNAT",
		{
			[REDIRECT]: redirect,
			routing: routing,
			"routing + DNAT": dnat,
			"VXLAN + DNAT": vxlan,
			...(EARLIER
				? { earlier: ours({ objects: join(EARLIER, "bpf/dist") }) }
				: {}),
			ours: ours(),
			"ours, fast": ours({ flag: "fast" }),
			"ours, fast, tcx": ours({ flag: "fast", tcx: true }),
			"ours, fast, tcx, MTU 1491": ours({ flag: "fast", tcx: true, mtu: MTU }),
		},
		[
			...[
				down,
				up,
				...atTunnelsMss,
				withoutGso(down),
				withoutGso(up),
				udp,
				connect,
			],
			...[...streamCosts, ...streamCosts.map(withoutGso), cost],
		],
	);
	yield { ...table, rows: [...table.rows, added(table)] };
	yield await compare(
		"tunnel: ours by the number of services, and with dump on",
		"3 services",
		{
			"3 services": ours(),
			"10 000": ours({ services: 10_000 }),
			"200 000": ours({ services: 200_000 }),
			"3, dump": ours({ flag: "dump" }),
		},
		[down, up, udp, connect],
	);
	yield await programTimes(SECONDS);
	yield await proofTimes();
	yield await senderTimes();
}

/** What a gateway's work costs: the CPU time for a packet above that of a bare redirect, turned over, so that more is better. */
function added({ rows }: Table): Row {
	const { samples } = rows.find(({ title }) => title === cost.title) as Row;
	const bare = samples[REDIRECT] ?? [];
	return {
		title: "packets for a second of CPU added to the L2 redirect",
		unit: "",
		samples: Object.fromEntries(
			Object.entries(samples)
				.filter(([way]) => way !== REDIRECT)
				.map(([way, each]) => [
					way,
					// One that measures less than the redirect in a round adds next to nothing.
					each.map((ns, round) => 1e9 / Math.max(1, ns - (bare[round] ?? 0))),
				]),
		),
	};
}

async function compare(
	title: string,
	base: string,
	ways: Ways,
	measures: Measure[],
): Promise<Table> {
	const bed = testbed();
	try {
		const paths: [string, Path][] = [];
		for (const [name, build] of Object.entries(ways))
			paths.push([name, await build(bed)]);
		const rows: Row[] = [];
		for (const { title, unit, offloads, measure } of measures) {
			await setOffloads(paths, offloads ?? true);
			const samples = await interleave(
				paths.map(([name, path]) => ({ name, measure: () => measure(path) })),
			);
			rows.push({ title, unit, samples });
		}
		return { title, base, columns: Object.keys(ways), rows };
	} finally {
		await bed.close();
	}
}

async function setOffloads(
	paths: [string, Path][],
	on: boolean,
): Promise<void> {
	for (const [, { links }] of paths)
		for (const link of links) await link.offloads(on);
}
