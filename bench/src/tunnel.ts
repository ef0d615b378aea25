import { type Testbed, testbed } from "@sluice/testbed";
import { connects } from "./generators/connects.js";
import { tcpStream, udpPackets } from "./generators/iperf.js";
import { interleave } from "./interleave.js";
import type { Row, Table } from "./table.js";
import { dnat, routing, vxlan } from "./tunnel/kernel-ways.js";
import { ours } from "./tunnel/our-ways.js";
import type { Path } from "./tunnel/path.js";
import { programTimes } from "./tunnel/program-times.js";

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
	measure: ({ client, target }) => tcpStream(client, target, SECONDS, true),
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
const withoutGso = (measure: Measure): Measure => ({
	...measure,
	title: `${measure.title}, GSO off on the links`,
	offloads: false,
});

/** The tunnel against the kernel's own ways, against itself with full tables, and its programs by themselves. */
export async function* suite(): AsyncIterable<Table> {
	yield await compare(
		"tunnel: client – gateway – node, MTU 1500",
		"routing + DNAT",
		{
			routing: routing,
			"routing + DNAT": dnat,
			"VXLAN + DNAT": vxlan,
			ours: ours(3),
		},
		[down, up, withoutGso(down), withoutGso(up), udp, connect],
	);
	yield await compare(
		"tunnel: ours by the number of services, and with dump on",
		"3 services",
		{
			"3 services": ours(3),
			"10 000": ours(10_000),
			"200 000": ours(200_000),
			"3, dump": ours(3, true),
		},
		[down, up, udp, connect],
	);
	yield await programTimes(SECONDS);
}

async function compare(
	title: string,
	base: string,
	ways: Ways,
	measures: Measure[],
): Promise<Table> {
	const bed = await testbed();
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
