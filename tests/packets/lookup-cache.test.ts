// Needs root and BPF: the programs' lookup cache.

import { execFileSync } from "node:child_process";
import { Address } from "@sluice/maps/address";
import { needs, testWith } from "@sluice/testbed";
import test from "ava";
import { eth } from "../helpers/packet.js";
import { rx, tx } from "../helpers/packet-case.js";
import { type Bench, packetBench } from "../helpers/run-packet.js";
import { configure, empty, program } from "../helpers/services.js";
import { services, tcp4, tcp4over6 } from "./services.js";
import { client, far, far6, key, near, near6, port, tunnels } from "./site.js";

const bpfTest = testWith(test.serial as typeof test, needs.root, needs.bpf);
let opened: Bench | undefined;

const backend = {
	address: Address.of(tcp4.backend),
	port: tcp4.backendPort,
	proto: 6,
};
const sid = { service: tcp4.service, group: tcp4.group };

const inner = eth().ipv4(client, tcp4.backend).tcp(40000, tcp4.backendPort);
const request = inner.payload("hello").bytes();
const inTunnel = eth()
	.ipv4(far, near)
	.udp(port, port)
	.gue(tcp4, key)
	.ipv4(tcp4.backend, client)
	.tcp(tcp4.backendPort, 40000)
	.payload("hello")
	.bytes();

function filled(): Bench {
	opened ??= packetBench();
	const { tables } = opened;
	empty(tables);
	program(tables, tunnels, services);
	configure(tables, { ingress: rx.dnat, egress: tx.proxy });
	opened.forget();
	return opened;
}

bpfTest("a service that is deleted is forgotten with the next jiffy", (t) => {
	const bench = filled();
	t.deepEqual(bench.run("ingress", inTunnel).outcomes, ["decapsulated"]);
	t.deepEqual(bench.run("egress", request).outcomes, ["encapsulated"]);

	bench.tables.verify.delete(sid);
	bench.tables.encap.delete(backend);
	bench.forget();

	t.deepEqual(bench.run("ingress", inTunnel).outcomes, ["unknown-service"]);
	t.deepEqual(bench.run("egress", request).outcomes, ["not-ours"]);
});

bpfTest(
	"whether a reply may go to a client counts for its source alone",
	(t) => {
		const bench = filled();
		const ip = (line: string) => execFileSync("ip", line.split(" "));
		ip(`rule add from ${tcp4over6.backend} lookup 77`);
		ip("route add unreachable 192.0.2.0/24 table 77");
		const refused = eth()
			.ipv6(far6, near6)
			.udp(port, port)
			.gue(tcp4over6, key)
			.ipv4(tcp4over6.backend, client)
			.tcp(tcp4over6.backendPort, 40000)
			.payload("hello")
			.bytes();
		// So often that in most rounds the packets come within the jiffy.
		for (let round = 0; round < 50; round++) {
			t.deepEqual(bench.run("ingress", inTunnel).outcomes, ["decapsulated"]);
			t.deepEqual(bench.run("ingress", refused).outcomes, ["inner-local"]);
		}
		ip(`rule del from ${tcp4over6.backend} lookup 77`);
	},
);

bpfTest("a key that is changed counts from the next jiffy on", (t) => {
	const bench = filled();
	const row = bench.tables.verify.get(sid);
	if (!row) return t.fail();
	t.deepEqual(bench.run("ingress", inTunnel).outcomes, ["decapsulated"]);

	bench.tables.verify.set(sid, { ...row, key: Buffer.alloc(16, "n") });
	bench.forget();
	t.deepEqual(bench.run("ingress", inTunnel).outcomes, ["wrong-key"]);

	bench.tables.verify.set(sid, row);
	bench.forget();
	t.deepEqual(bench.run("ingress", inTunnel).outcomes, ["decapsulated"]);
});

bpfTest("a service that is added is seen with the next jiffy", (t) => {
	const bench = filled();
	const row = bench.tables.encap.get(backend);
	if (!row) return t.fail();
	bench.tables.encap.delete(backend);
	bench.forget();
	t.deepEqual(bench.run("egress", request).outcomes, ["not-ours"]);

	bench.tables.encap.set(backend, row);
	bench.forget();

	t.deepEqual(bench.run("egress", request).outcomes, ["encapsulated"]);
});

bpfTest(
	"counters that were deleted with their service do not come back",
	(t) => {
		const bench = filled();
		const { verify, encap, traffic } = bench.tables;
		const rows = () => [...traffic.entries()].map(([row]) => row);
		const whole = verify.get(sid);
		const sent = encap.get(backend);
		if (!whole || !sent) return t.fail();
		// So often that in most rounds the packets come within the jiffy.
		for (let round = 0; round < 50; round++) {
			verify.set(sid, whole);
			encap.set(backend, sent);
			bench.forget();
			bench.run("ingress", inTunnel);
			bench.run("egress", request);
			t.is(rows().length, 2);
			verify.delete(sid);
			encap.delete(backend);
			traffic.deleteMany(rows());
			bench.run("ingress", inTunnel);
			bench.run("egress", request);
			t.deepEqual(rows(), []);
		}
	},
);
