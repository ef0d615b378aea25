// Needs root and BPF: what ICMP errors change of the MTU of a tunnel's path.
import { Address } from "@sluice/maps/address";
import { pathMtuTable } from "@sluice/maps/tables";
import { needs, testWith } from "@sluice/testbed";
import test from "ava";
import { DF, eth } from "../helpers/packet.js";
import { type Bench, packetBench } from "../helpers/run-packet.js";
import { empty, program } from "../helpers/services.js";
import { services } from "./services.js";
import { far, near, port, tunnels } from "./site.js";

const bpfTest = testWith(test.serial as typeof test, needs.root, needs.bpf);
let opened: Bench | undefined;

/** The tunnel's row, and the one of all flows where each has its own source port. */
const ends = (localPort: number) => ({
	local: Address.of(near),
	remote: Address.of(far),
	localPort,
	remotePort: port,
});

function filled(): Bench {
	opened ??= packetBench();
	empty(opened.tables);
	program(opened.tables, tunnels, services);
	opened.tables.config.set(
		{ ifindex: 0, direction: "ingress" },
		{ id: 1, flags: 0, name: "path" },
	);
	opened.forget();
	return opened;
}

const router = (mtu: number, from: number) =>
	eth()
		.ipv4("198.51.100.7", near)
		.icmp(3, 4, mtu)
		.ipv4(near, far, { length: 1500, fragment: DF })
		.udp(from, port, { length: 1480 })
		.bytes();

for (const [what, localPort, from] of [
	["the tunnel's port", port, port],
	["the port of a flow", 0, 50_000],
] as const)
	bpfTest(`an ICMP error does not raise the path's MTU, ${what}`, (t) => {
		const bench = filled();
		const table = bench.table(pathMtuTable);
		const report = (mtu: number) => {
			t.deepEqual(bench.run("ingress", router(mtu, from)).outcomes, [
				"path-mtu",
			]);
			return table.get(ends(localPort))?.mtu;
		};
		// As egress adds it for flows.
		table.set(ends(0), { mtu: 0, expires: 0n });

		t.is(report(1300), 1300);
		t.is(report(1400), 1300);
		t.is(report(1200), 1200);

		// After it has expired, any is taken.
		table.set(ends(localPort), { mtu: 1200, expires: 1n });
		t.is(report(1400), 1400);
	});
