import { setTimeout as sleep } from "node:timers/promises";
import { Address } from "@sluice/maps/address";
import test from "ava";
import { History } from "../src/history.js";
import { overviewOf } from "../src/overview.js";
import type { Readings } from "../src/readings.js";

const readings = (packets: bigint, dropped: bigint): Readings => {
	const side = { packets, bytes: 100n * packets };
	const traffic = { ingress: side, egress: { packets: 0n, bytes: 0n } };
	const end = { address: Address.of("10.0.0.1"), port: 80, proto: 6 };
	return {
		outcomes: [
			{
				direction: "ingress",
				outcome: "wrong-key",
				fate: "dropped",
				packets: dropped,
			},
			{ direction: "ingress", outcome: "decapsulated", fate: "done", packets },
		],
		tunnels: [
			{ id: 7, local: "a", remote: "b", learned: true, pingAge: 3, traffic },
			{
				id: 8,
				local: "a",
				remote: undefined,
				learned: false,
				pingAge: undefined,
				traffic: {
					ingress: { packets: 0n, bytes: 0n },
					egress: { packets: 0n, bytes: 0n },
				},
			},
		],
		services: [
			{ service: 1, group: 2, proxy: end, backend: end, tunnel: 7, traffic },
		],
		traffic,
		tables: [],
		eventsLost: 0n,
	};
};

const hooks = { role: "gateway", programs: [] } as const;

test("rates are between the last two readings, drops since the first", async (t) => {
	const history = new History();
	history.add(readings(1000n, 5n));
	const first = overviewOf(history, { ...hooks, programs: [] }, undefined);
	t.is(first.seconds, 0);
	t.deepEqual(first.tunnels[0]?.perSecond.packetsIn, 0);
	t.deepEqual(first.drops.counts, []);
	for (const [packets, dropped] of [
		[1000n, 6n],
		[2000n, 6n],
	] as const) {
		await sleep(20);
		history.add(readings(packets, dropped));
	}
	const { tunnels, services, drops, findings } = overviewOf(
		history,
		{ ...hooks, programs: [] },
		{ time: 0, findings: [] },
	);
	// Both are rounded: the rate to a tenth.
	const { packetsIn = 0, bytesIn = 0 } = tunnels[0]?.perSecond ?? {};
	t.true(Math.abs(packetsIn * history.seconds - 1000) < 1);
	t.true(Math.abs(bytesIn / packetsIn - 100) < 0.1);
	t.is(services[0]?.perSecond.packetsIn, packetsIn);
	t.deepEqual(
		tunnels.map(({ id, remote, learned }) => [id, remote, learned]),
		[
			[7, "b", true],
			[8, null, false],
		],
	);
	// The drop was between the first two readings.
	const wrongKeys = { direction: "ingress", outcome: "wrong-key" } as const;
	t.deepEqual(drops.counts, [{ ...wrongKeys, packets: 1 }]);
	t.deepEqual(drops.totals, [{ ...wrongKeys, packets: 6 }]);
	t.deepEqual(findings, []);
	t.is(history.points.length, 2);
	t.is(history.points[1]?.dropped, 0);
	t.true((history.points[0]?.dropped ?? 0) > 0);
});

test("counters that begin again have no negative rate", async (t) => {
	const history = new History();
	history.add(readings(1000n, 0n));
	await sleep(5);
	history.add(readings(10n, 0n));
	t.true(
		(overviewOf(history, { ...hooks, programs: [] }, undefined).tunnels[0]
			?.perSecond.packetsIn ?? -1) > 0,
	);
	t.is(history.points[0]?.packetsIn, 0);
});

test("of many rows the most active are shown, the others counted", (t) => {
	const history = new History();
	history.add(readings(0n, 0n));
	const overview = overviewOf(
		history,
		{ ...hooks, programs: [] },
		undefined,
		1,
	);
	t.is(overview.tunnels.length, 1);
	t.is(overview.tunnelsOmitted, 1);
	t.is(overview.servicesOmitted, 0);
});
