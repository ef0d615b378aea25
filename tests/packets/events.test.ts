// Needs root and BPF: runs the loaded programs on packets.

import { execFileSync } from "node:child_process";
import { openRing } from "@sluice/maps";
import { Address } from "@sluice/maps/address";
import {
	directionIndex,
	eventsLostTable,
	type PacketEvent,
	readEvent,
	trafficTable,
} from "@sluice/maps/tables";
import { needs, testWith } from "@sluice/testbed";
import test, { type ExecutionContext } from "ava";
import { eth } from "../helpers/packet.js";
import { rx, tx } from "../helpers/packet-case.js";
import { type Bench, packetBench } from "../helpers/run-packet.js";
import { program } from "../helpers/services.js";
import { services, tcp4 } from "./services.js";
import { client, far, key, near, port, tunnels } from "./site.js";

const bpfTest = testWith(test.serial as typeof test, needs.root, needs.bpf);
let opened: Bench | undefined;

const request = eth().ipv4(client, "1.1.1.1").tcp(40000, 4000).payload("hello");
const reply = eth().ipv4("1.1.1.1", client).tcp(4000, 40000).payload("hello");
const inTunnel = eth()
	.ipv4(far, near)
	.udp(port, port)
	.gue(tcp4, key)
	.ipv4("1.1.1.1", client)
	.tcp(4000, 40000)
	.payload("hello");

/** A bench whose rows say DUMP, and the events that come of what a test sends. */
function dumping(t: ExecutionContext) {
	opened ??= packetBench();
	const bench = opened;
	program(bench.tables, tunnels, services);
	bench.tables.config.set(
		{ ifindex: 0, direction: "ingress" },
		{ id: 41, flags: rx.dump, name: "in" },
	);
	bench.tables.config.set(
		{ ifindex: 0, direction: "egress" },
		{ id: 42, flags: tx.dump | tx.proxy, name: "out" },
	);
	bench.forget();
	const events: PacketEvent[] = [];
	const ring = openRing(bench.mapFd("map_events"), (bytes) => {
		events.push(readEvent(Buffer.from(bytes)));
	});
	t.teardown(() => ring.close());
	return {
		bench,
		read() {
			while (ring.consume() > 0);
			return events.splice(0);
		},
	};
}

bpfTest("a packet is dumped before and after it is decapsulated", (t) => {
	const { bench, read } = dumping(t);
	bench.run("ingress", inTunnel.bytes());

	const [before, after, ...more] = read();

	t.deepEqual(more, []);
	t.is(before?.stage, "before");
	t.is(before?.outcome, undefined);
	t.deepEqual(before?.data, inTunnel.bytes());
	t.is(after?.stage, "after");
	t.is(after?.outcome, "decapsulated");
	t.deepEqual(after?.data, reply.bytes());
	t.is(after?.id, before?.id);
	t.is(after?.config, 41);
	t.is(after?.direction, "ingress");
	t.is(after?.length, reply.bytes().length);
});

bpfTest(
	"an event has its own interface's row where that of another is looked up, whatever their indexes are",
	(t) => {
		const { bench, read } = dumping(t);
		const ip = (line: string) => execFileSync("ip", line.split(" "));
		ip("link add veth6 index 6 type veth peer name peer6");
		ip("link set veth6 up");
		for (const peer of ["peer0", "peer6"])
			ip(`link set ${peer} up address 02:00:00:00:00:02`);
		ip("addr add 10.6.0.1/24 dev veth6");
		ip("neigh add 10.6.0.2 lladdr 02:00:00:00:06:02 dev veth6 nud permanent");
		const backend = { address: Address.of("10.6.0.2"), port: 4000, proto: 6 };
		const sid = { service: tcp4.service, group: tcp4.group };
		const row = bench.tables.verify.get(sid) ?? (t.fail() as never);
		bench.tables.verify.set(sid, { ...row, backend });
		const { config } = bench.tables;
		config.delete({ ifindex: 0, direction: "egress" });
		config.set(
			{ ifindex: 6, direction: "egress" },
			{ id: 6, flags: 32, name: "veth" },
		);
		config.set(
			{ ifindex: 0, direction: "ingress" },
			{ id: 41, flags: rx.dump | rx.peer, name: "in" },
		);
		const toNode = eth()
			.ipv4(far, near)
			.udp(port, port)
			.gue(tcp4, key)
			.ipv4(client, "10.6.0.2")
			.tcp(40000, 4000)
			.bytes();
		for (const ifindex of [2, 3]) {
			bench.forget();
			t.is(bench.run("ingress", toNode, { ifindex }).verdict, "redirect");
			t.deepEqual(
				read().map(({ config }) => config),
				[41, 41],
			);
		}
		config.delete({ ifindex: 6, direction: "egress" });
	},
);

bpfTest("a packet is dumped before and after it is encapsulated", (t) => {
	const { bench, read } = dumping(t);
	bench.run("egress", request.bytes());

	const [before, after] = read();

	t.deepEqual(before?.data, request.bytes());
	t.is(after?.outcome, "encapsulated");
	t.is(after?.config, 42);
	t.is(after?.direction, "egress");
	t.is(after?.data.length, request.bytes().length + 52);
});

bpfTest("a dropped packet is dumped with the reason", (t) => {
	const { bench, read } = dumping(t);
	const wrong = eth()
		.ipv4(far, near)
		.udp(port, port)
		.gue(tcp4, "not the key")
		.ipv4(client, "1.1.1.1")
		.tcp(40000, 4000);
	bench.run("ingress", wrong.bytes());

	t.deepEqual(
		read().map(({ stage, outcome }) => [stage, outcome]),
		[
			["before", undefined],
			["after", "wrong-key"],
		],
	);
});

bpfTest("a packet that is not ours is not dumped", (t) => {
	const { bench, read } = dumping(t);
	bench.run("ingress", eth().ipv4(client, near).tcp(40000, 22).bytes());
	t.deepEqual(read(), []);
});

bpfTest("a large packet is cut to 2048 bytes", (t) => {
	const { bench, read } = dumping(t);
	const large = eth()
		.ipv4(client, "1.1.1.1")
		.tcp(40000, 4000)
		.payload(Buffer.alloc(3000, 7));
	bench.run("egress", large.bytes());

	const [before] = read();

	t.is(before?.length, large.bytes().length);
	t.deepEqual(before?.data, large.bytes().subarray(0, 2048));
});

bpfTest("events that find no room are counted", (t) => {
	const { bench, read } = dumping(t);
	const lost = bench.table(eventsLostTable);
	const count = () => (lost.get(0) ?? []).reduce((a, b) => a + b, 0n);
	const before = count();
	const large = eth()
		.ipv4(client, "1.1.1.1")
		.tcp(40000, 4000)
		.payload(Buffer.alloc(3000, 7))
		.bytes();
	const room = 4 * 1024 * 1024;
	let sent = 0;
	while (sent * 2 * 2048 < room) {
		bench.egress.testRun({ data: large });
		sent++;
	}

	const missing = count() - before;

	t.true(missing > 0n);
	t.is(BigInt(read().length) + missing, BigInt(2 * sent));
});

bpfTest("traffic is counted by tunnel, service and direction", (t) => {
	const { bench } = dumping(t);
	const traffic = bench.table(trafficTable);
	traffic.deleteMany([...traffic.entries()].map(([row]) => row));
	bench.run("egress", request.bytes());
	bench.run("egress", request.bytes());
	bench.run("ingress", inTunnel.bytes());
	bench.run(
		"ingress",
		eth().ipv4(far, near).udp(port, port).ping(tcp4, key, 100).bytes(),
	);

	const rows = [...traffic.entries()].map(([row, cpus]) => ({
		...row,
		packets: cpus.reduce((sum, { packets }) => sum + packets, 0n),
		bytes: cpus.reduce((sum, { bytes }) => sum + bytes, 0n),
	}));

	const size = BigInt(request.bytes().length - 14);
	const row = { tunnel: 100, sid: { service: 1, group: 2 } };
	t.deepEqual(
		rows.sort(
			(a, b) => directionIndex(a.direction) - directionIndex(b.direction),
		),
		[
			// A ping is a packet that carries nothing.
			{ ...row, direction: "ingress", packets: 2n, bytes: size },
			{ ...row, direction: "egress", packets: 2n, bytes: 2n * size },
		],
	);
});
