// Needs root and BPF: runs the loaded programs on packets.
import { Address } from "@sluice/maps/address";
import { fateOf, type Outcome, outcomes } from "@sluice/maps/tables";
import { needs, testWith } from "@sluice/testbed";
import test, { type ExecutionContext } from "ava";
import type { PacketCase } from "../helpers/packet-case.js";
import { type Bench, packetBench, verdictOf } from "../helpers/run-packet.js";
import {
	contents,
	empty,
	program,
	type TunnelRow,
} from "../helpers/services.js";
import { cases } from "./cases/index.js";
import { services } from "./services.js";
import { tunnels } from "./site.js";

const bpfTest = testWith(test.serial as typeof test, needs.root, needs.bpf);
let bench: Bench | undefined;

function behaves(t: ExecutionContext, wanted: PacketCase): void {
	bench ??= packetBench();
	const { tables } = bench;
	empty(tables);
	program(tables, tunnels, services);
	if (wanted.flags !== undefined)
		tables.config.set(
			{ ifindex: 0, direction: wanted.direction },
			{ id: 1, flags: wanted.flags, name: "case" },
		);
	wanted.tables?.(tables);
	bench.forward(wanted.forwarding ?? true);
	bench.forget();
	if (wanted.answersUsedUp) bench.useUpAnswers();
	const context = {
		...(wanted.onLink ? { ifindex: bench.link } : {}),
		...(wanted.gsoSize ? { gsoSize: wanted.gsoSize } : {}),
	};
	for (const packet of wanted.before ?? [])
		bench.run(wanted.direction, packet.bytes(), context);
	const before = contents(tables);

	const input = wanted.input.bytes();
	const run = bench.run(wanted.direction, input, context);

	t.deepEqual(run.outcomes, [wanted.outcome]);
	const verdict = wanted.verdict ?? verdictOf[fateOf(wanted.outcome)];
	t.is(run.verdict, verdict);
	if (verdict !== "shot")
		t.is(
			run.output.toString("hex"),
			(wanted.output?.bytes() ?? input).toString("hex"),
		);
	if (wanted.learned) {
		const { tunnel, remote, remotePort } = wanted.learned;
		const row = tables.tunnel.get(tunnel);
		t.is(String(row?.remote), remote);
		t.is(row?.remotePort, remotePort);
		if (row) tables.tunnel.set(tunnel, { ...row, ...remoteOf(tunnel) });
	}
	t.deepEqual(contents(tables), before);
}

/** The far end that a tunnel had before. */
function remoteOf(id: number) {
	const { remote, remotePort } = tunnels.find(
		(row) => row.id === id,
	) as TunnelRow;
	return { remote: Address.of(remote), remotePort };
}

for (const wanted of cases) bpfTest(wanted.title, (t) => behaves(t, wanted));

/** Outcomes that a test run cannot reach, and those of signed pings, which carry the time: tests with real traffic do. */
const onTheWire = new Set<Outcome>([
	...(["service-gone", "vlan"] as const),
	...(["ping-signed", "ping-signed-learned", "ping-challenged"] as const),
	...(["ping-answer", "ping-mac", "ping-time"] as const),
]);

test("every outcome has a case", (t) => {
	const reached = new Set(cases.map((one) => one.outcome));
	t.deepEqual(
		outcomes.filter(
			(outcome) => !reached.has(outcome) && !onTheWire.has(outcome),
		),
		[],
	);
});
