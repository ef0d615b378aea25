// Needs root and BPF: runs the loaded programs on packets.
import {
	directions,
	FLOW_PORT,
	outcomes,
	pathMtuTable,
	statsRow,
	statsTable,
	trafficTable,
} from "@sluice/maps/tables";
import { needs, testWith } from "@sluice/testbed";
import { anyMove } from "@sluice/tunnel";
import test, { type ExecutionContext } from "ava";
import { type BothPaths, bothPaths } from "../helpers/both-paths.js";
import { type PacketCase, rx, tx } from "../helpers/packet-case.js";
import type { Bench } from "../helpers/run-packet.js";
import { contents, empty, program } from "../helpers/services.js";
import { cases } from "./cases/index.js";
import { services } from "./services.js";
import { tunnels } from "./site.js";

const bpfTest = testWith(test.serial as typeof test, needs.root, needs.bpf);
let paths: BothPaths | undefined;

/** Every counter of a gateway, as text. */
function counters(bench: Bench): string[] {
	const stats = bench.table(statsTable);
	const traffic = bench.table(trafficTable);
	const sum = (values: readonly bigint[] = []) =>
		values.reduce((a, b) => a + b, 0n);
	const rows = directions.flatMap((direction) =>
		outcomes.map(
			(outcome) =>
				`${direction} ${outcome} ${sum(stats.get(statsRow(direction, outcome)))}`,
		),
	);
	for (const [key, perCpu] of traffic.entries())
		rows.push(
			`${JSON.stringify(key)} ${sum(perCpu.map(({ packets }) => packets))} ${sum(perCpu.map(({ bytes }) => bytes))}`,
		);
	return rows.sort();
}

/** Two gateways with the tables of a case, whose clients, backends and far ends are on one link. */
function gatewaysOf(wanted: PacketCase): BothPaths {
	paths ??= bothPaths();
	const { normal, fast } = paths;
	paths.change((tables, bench) => {
		empty(tables);
		program(tables, tunnels, services);
		const flags = (wanted.flags ?? 0) & ~rx.fast;
		tables.config.set(
			{ ifindex: 0, direction: "ingress" },
			{ id: 1, flags: bench === fast ? flags | rx.fast : flags, name: "" },
		);
		tables.config.set(
			{ ifindex: 0, direction: "egress" },
			{ id: 2, flags: tx.proxy | tx.snat | tx.fib, name: "" },
		);
		wanted.tables?.(tables);
	});
	normal.forward(wanted.forwarding ?? true);
	normal.forget();
	fast.forget();
	return paths;
}

function agree(t: ExecutionContext, wanted: PacketCase): void {
	const { normal, fast, send } = gatewaysOf(wanted);
	const context = {
		ifindex: normal.link,
		...(wanted.gsoSize ? { gsoSize: wanted.gsoSize } : {}),
	};
	const before = [counters(normal), counters(fast)];
	t.deepEqual(before[0], before[1]);
	for (const packet of [...(wanted.before ?? []), wanted.input])
		t.notThrows(() => send(packet.bytes(), context));
	t.deepEqual(counters(normal), counters(fast));
	const written = (bench: Bench) =>
		contents(bench.tables).filter((row) => !row.startsWith('["config"'));
	t.deepEqual(written(normal), written(fast));
}

for (const wanted of cases.filter(({ direction }) => direction === "ingress"))
	bpfTest(`both paths: ${wanted.title}`, (t) => agree(t, wanted));

bpfTest(
	"a request that stays on the normal path adds no row for the MTU of its tunnel's path",
	(t) => {
		const wanted = cases.find(
			({ title }) => title === "fast: a request over IPv4",
		) as PacketCase;
		const { normal, fast, send } = gatewaysOf({
			...wanted,
			tables: ({ options }) =>
				options.set(100, { ...anyMove, flags: FLOW_PORT }),
		});
		const rows = () => [...fast.table(pathMtuTable).entries()].length;
		// The route to its client does not lead back to lo.
		t.false(send(wanted.input.bytes(), { ifindex: 1 }));
		t.is(rows(), 0);
		t.true(send(wanted.input.bytes(), { ifindex: normal.link }));
		t.is(rows(), 1);
	},
);
