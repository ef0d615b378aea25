// Needs root and BPF: the counters of services, in slots and in the table.
import {
	type Direction,
	trafficOwnerTable,
	trafficTable,
} from "@sluice/maps/tables";
import { needs, testWith } from "@sluice/testbed";
import test from "ava";
import { eth } from "../helpers/packet.js";
import { tx } from "../helpers/packet-case.js";
import { type Bench, packetBench } from "../helpers/run-packet.js";
import {
	configure,
	empty,
	program,
	type ServiceRow,
	type TunnelRow,
} from "../helpers/services.js";
import { tcp4 } from "./services.js";
import { client, far, key, near, port, tunnels } from "./site.js";

const bpfTest = testWith(test.serial as typeof test, needs.root, needs.bpf);
let opened: Bench | undefined;

/** A node with services, in whose slots nothing is counted yet. */
function nodeWith(
	services: readonly ServiceRow[],
	through: readonly TunnelRow[] = tunnels,
): Bench {
	opened ??= packetBench();
	const { tables } = opened;
	empty(tables);
	program(tables, through, services);
	configure(tables, { ingress: 0, egress: tx.fib });
	opened.forget();
	return opened;
}

/** A packet to the service's backend comes in through the tunnel, and one of the backend goes out. */
function pass(bench: Bench, service: ServiceRow, times = 1): void {
	const { backend, backendPort } = service;
	const request = eth()
		.ipv4(far, near)
		.udp(port, port)
		.gue(service, key)
		.ipv4(client, backend)
		.tcp(40000, backendPort)
		.payload("hello")
		.bytes();
	const reply = eth()
		.ipv4(backend, client)
		.tcp(backendPort, 40000)
		.payload("hello")
		.bytes();
	for (let i = 0; i < times; i++) {
		bench.run("ingress", request);
		bench.run("egress", reply);
	}
}

const name = ({ tunnel, service, group }: ServiceRow, direction: Direction) =>
	({ tunnel, sid: { service, group }, direction }) as const;

/** Packets and bytes by tunnel, sid and direction; the same from a lookup and from reading the whole table. */
function counted(t: { deepEqual(a: unknown, b: unknown): void }, bench: Bench) {
	const traffic = bench.table(trafficTable);
	const sum = (values: readonly bigint[]) =>
		Number(values.reduce((a, b) => a + b, 0n));
	const rows: Record<string, [packets: number, bytes: number]> = {};
	for (const [key, cpus] of traffic.entries()) {
		t.deepEqual(traffic.get(key), cpus);
		const { tunnel, sid, direction } = key;
		rows[`${tunnel} ${sid.service}.${sid.group} ${direction}`] = [
			sum(cpus.map(({ packets }) => packets)),
			sum(cpus.map(({ bytes }) => bytes)),
		];
	}
	traffic.close();
	return rows;
}

const owners = (bench: Bench) => [...bench.table(trafficOwnerTable).entries()];

/** A service that has the slot of another. */
function collidingWith(bench: Bench, one: ServiceRow): ServiceRow {
	pass(bench, one);
	const slots = new Map(owners(bench));
	for (let service = 100; service < 60_000; service++) {
		const other = { ...one, service, backend: "1.1.1.99", proxy: "5.5.5.99" };
		if (slots.has(slotOf(other))) return other;
	}
	throw new Error("no service has the same slot");
}

/** As `bpf/tunnel/stats.h` says. */
const slotOf = ({ tunnel, service, group }: ServiceRow) =>
	(Math.imul(tunnel, 0x9e3779b1) +
		Math.imul(service + group * 65_536, 0x85ebca6b)) >>>
	22;

const HEADERS = 20 + 20 + 5;

bpfTest("the traffic of a service is counted in its slot", (t) => {
	const bench = nodeWith([tcp4]);
	pass(bench, tcp4, 3);
	t.deepEqual(counted(t, bench), {
		"100 1.2 ingress": [3, 3 * HEADERS],
		"100 1.2 egress": [3, 3 * HEADERS],
	});
	t.is(owners(bench).length, 1);
});

bpfTest("where another service has the slot, the table counts", (t) => {
	const other = collidingWith(nodeWith([tcp4]), tcp4);
	const bench = nodeWith([tcp4, other]);
	pass(bench, tcp4, 2);
	pass(bench, other, 5);
	t.is(owners(bench).length, 1);
	t.deepEqual(counted(t, bench), {
		"100 1.2 ingress": [2, 2 * HEADERS],
		"100 1.2 egress": [2, 2 * HEADERS],
		[`100 ${other.service}.2 ingress`]: [5, 5 * HEADERS],
		[`100 ${other.service}.2 egress`]: [5, 5 * HEADERS],
	});

	const rows = [name(tcp4, "ingress"), name(tcp4, "egress")];
	t.is(bench.tables.traffic.deleteMany(rows), 2);
	// The slot is free, the other takes it and is counted in both.
	pass(bench, other, 2);
	t.deepEqual(counted(t, bench), {
		[`100 ${other.service}.2 ingress`]: [7, 7 * HEADERS],
		[`100 ${other.service}.2 egress`]: [7, 7 * HEADERS],
	});
});

bpfTest("the last tunnel and the last service have no slot", (t) => {
	const [tunnel] = tunnels.filter(({ id }) => id === tcp4.tunnel);
	t.truthy(tunnel);
	if (!tunnel) return;
	const last = { ...tcp4, tunnel: 0xffff_ffff, service: 65_535, group: 65_535 };
	const bench = nodeWith([last], [{ ...tunnel, id: last.tunnel }]);
	pass(bench, last, 2);
	t.deepEqual(owners(bench), []);
	const row = [2, 2 * HEADERS];
	t.deepEqual(counted(t, bench), {
		"4294967295 65535.65535 ingress": row,
		"4294967295 65535.65535 egress": row,
	});
});

bpfTest("rows of an earlier release go on", (t) => {
	const bench = nodeWith([tcp4]);
	const traffic = bench.table(trafficTable);
	const cpus = traffic.get(name(tcp4, "ingress")) ?? [];
	t.deepEqual(cpus, []);
	pass(bench, tcp4);
	const one = traffic.get(name(tcp4, "ingress")) ?? [];
	traffic.set(
		name(tcp4, "ingress"),
		one.map(() => ({ packets: 10n, bytes: 1000n })),
	);
	t.deepEqual(counted(t, bench)["100 1.2 ingress"], [
		10 * one.length + 1,
		1000 * one.length + HEADERS,
	]);
});

bpfTest("a service that is deleted and made again begins at 0", (t) => {
	const bench = nodeWith([tcp4]);
	pass(bench, tcp4, 4);
	const { tables } = bench;
	const sid = { service: tcp4.service, group: tcp4.group };
	const verify = tables.verify.get(sid);
	tables.verify.delete(sid);
	tables.traffic.deleteMany(
		(["ingress", "egress"] as const).map((direction) => name(tcp4, direction)),
	);
	// What comes within the jiffy is not counted for a service that is gone.
	pass(bench, tcp4, 4);
	t.deepEqual(counted(t, bench), {});
	t.deepEqual(owners(bench), []);

	t.truthy(verify);
	if (verify) tables.verify.set(sid, verify);
	bench.forget();
	pass(bench, tcp4, 2);
	t.deepEqual(counted(t, bench)["100 1.2 ingress"], [2, 2 * HEADERS]);
});

bpfTest("a slot that a killed writer has freed in part is freed", (t) => {
	const bench = nodeWith([tcp4]);
	pass(bench, tcp4, 4);
	const table = bench.table(trafficOwnerTable);
	const [[slot]] = owners(bench) as [[number, bigint]];
	table.set(slot, 0xffff_ffff_ffff_ffffn);
	t.deepEqual(counted(t, bench), {});
	bench.tables.traffic.delete(name(tcp4, "ingress"));
	t.deepEqual(owners(bench), []);
	pass(bench, tcp4);
	t.deepEqual(counted(t, bench)["100 1.2 ingress"], [1, HEADERS]);
});

bpfTest("many services are counted and deleted, each by itself", (t) => {
	const many = Array.from({ length: 200 }, (_, i) => ({
		...tcp4,
		service: 1000 + i,
		proxy: `5.5.6.${i}`,
		backend: `1.1.2.${i}`,
	}));
	const bench = nodeWith(many);
	for (const [i, service] of many.entries()) pass(bench, service, 1 + (i % 3));
	const rows = counted(t, bench);
	for (const [i, { service }] of many.entries())
		t.deepEqual(rows[`100 ${service}.2 egress`], [
			1 + (i % 3),
			(1 + (i % 3)) * HEADERS,
		]);
	const half = many.slice(0, 100);
	t.is(
		bench.tables.traffic.deleteMany(
			half.flatMap((one) => [name(one, "ingress"), name(one, "egress")]),
		),
		200,
	);
	t.is(Object.keys(counted(t, bench)).length, 200);
});
