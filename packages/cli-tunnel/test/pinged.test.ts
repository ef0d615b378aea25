// What the data path writes while the control plane does.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type PinnedTables, withTables } from "@sluice/cli-kit/testing";
import { possibleCpus } from "@sluice/maps";
import { Address } from "@sluice/maps/address";
import {
	configTable,
	type Tunnel,
	trafficTable,
	tunnelTable,
	verifyTable,
} from "@sluice/maps/tables";
import test, { type ExecutionContext } from "ava";
import { cli } from "../src/cli.js";

const object = path.join(
	path.dirname(
		createRequire(import.meta.url).resolve("@sluice/bpf/package.json"),
	),
	"dist/pfc_ingress_tc.o",
);
// Each keeps a CPU busy.
const it = withTables(test.serial as typeof test, { object });

/** 10.0.0.2:40001 > 10.0.0.1:6080, a ping of tunnel 100 by service 1 2. */
const ping = Buffer.from(
	[
		"000000000000 020000000001 0800",
		"45000038 00004000 4011 26b3 0a000002 0a000001",
		"9c41 17c0 0024 0000",
		"2601a000 0001 0002 50613535773072643132333435363700 00000064",
	]
		.join("")
		.replaceAll(" ", ""),
	"hex",
);
const learned = { remote: Address.of("10.0.0.2"), remotePort: 40_001 };
const set = "set 100 10.0.0.1 6080 0 0";

/** Lets the ingress program take in one ping after the other, until the test ends. */
async function keepPinging(t: ExecutionContext, tables: PinnedTables) {
	const end = (address: string) => ({
		address: Address.of(address),
		port: 80,
		proto: 6,
	});
	tables
		.open(configTable)
		.set({ ifindex: 0, direction: "ingress" }, { id: 1, flags: 1, name: "" });
	tables.open(verifyTable).set(
		{ service: 1, group: 2 },
		{
			key: ping.subarray(50, 66),
			tunnel: 100,
			proxy: end("5.5.5.5"),
			backend: end("1.1.1.1"),
		},
	);
	const directory = mkdtempSync(path.join(tmpdir(), "ping-"));
	const packet = path.join(directory, "ping");
	writeFileSync(packet, ping);
	const pin = `${tables.bpffs}/program`;
	tables.object.program("pfc_ingress").pin(pin);
	// Far more than it comes to: the test ends it.
	const pinger = spawn(
		"bpftool",
		[
			...["prog", "run", "pinned", pin, "data_in", packet],
			...["repeat", "2000000000"],
		],
		{ stdio: "ignore" },
	);
	const ended = new Promise((resolve) => pinger.once("exit", resolve));
	t.teardown(async () => {
		pinger.kill("SIGKILL");
		await ended;
		rmSync(directory, { recursive: true });
	});
}

/** Waits until the far end is known. */
async function known(tables: PinnedTables): Promise<Tunnel> {
	const tunnels = tables.open(tunnelTable);
	for (;;) {
		const tunnel = tunnels.get(100);
		if (tunnel && tunnel.remotePort !== 0) return tunnel;
		await sleep(1);
	}
}

it("a remote that pings write is never lost to a set that leaves it to them", async (t, tables) => {
	t.timeout(120_000);
	await tables.run(cli, set);
	await keepPinging(t, tables);
	t.like(await known(tables), learned);
	for (let i = 0; i < 300; i++) {
		const { code, out } = await tables.run(cli, set);
		t.is(code, 0);
		t.regex(out, /-> 10\.0\.0\.2:40001\n$/);
	}
	await tables.run(cli, `${set} --reset-remote`);
	t.like(await known(tables), learned);
});

it("a tunnel that was deleted does not come back by its pings", async (t, tables) => {
	t.timeout(120_000);
	await keepPinging(t, tables);
	const tunnels = tables.open(tunnelTable);
	for (let i = 0; i < 30; i++) {
		await tables.run(cli, set);
		t.like(await known(tables), learned);
		t.is((await tables.run(cli, "del 100 --force")).code, 0);
		for (let look = 0; look < 20; look++) t.is(tunnels.get(100), undefined);
	}
});

it("pings to where a tunnel was do not move it", async (t, tables) => {
	t.timeout(120_000);
	await tables.run(cli, set);
	await keepPinging(t, tables);
	await known(tables);
	await tables.run(cli, "set 100 10.0.0.9 6080 0 0");
	const tunnels = tables.open(tunnelTable);
	for (let look = 0; look < 100; look++) {
		await sleep(1);
		t.like(tunnels.get(100), {
			local: Address.of("10.0.0.9"),
			remote: Address.of("::"),
		});
	}
});

const OPEN_PING = 32;

/** The same sender's ping of tunnel 100 that names no service. */
const openPing = Buffer.from(
	[
		"000000000000 020000000001 0800",
		"45000024 00004000 4011 26c7 0a000002 0a000001",
		"9c41 17c0 0010 0000",
		"21010000 00000064",
	]
		.join("")
		.replaceAll(" ", ""),
	"hex",
);

const deleting: [string, string, string?][] = [
	["del", "del 100"],
	["del all", "del all"],
	["a batch", "batch -", "del 100"],
	["a restore", "restore - --allow-empty", ""],
];
for (const [what, line, input = ""] of deleting)
	it(`what a tunnel's pings were counted under goes with ${what}`, async (t, tables) => {
		tables
			.open(configTable)
			.set(
				{ ifindex: 0, direction: "ingress" },
				{ id: 1, flags: OPEN_PING, name: "" },
			);
		const traffic = tables.open(trafficTable);
		const service = { service: 1, group: 2 };
		const none = Array.from({ length: possibleCpus() }, () => ({
			packets: 0n,
			bytes: 0n,
		}));
		// A service's own counters go with the service.
		traffic.set({ tunnel: 100, sid: service, direction: "egress" }, none);
		await tables.run(cli, set);
		for (let i = 0; i < 3; i++)
			tables.object.program("pfc_ingress").testRun({ data: openPing });
		const rows = () =>
			[...traffic.entries()].map(([{ sid }, cpus]) => ({
				service: sid.service,
				packets: cpus.reduce((sum, { packets }) => sum + packets, 0n),
			}));
		t.deepEqual(
			rows().sort((a, b) => a.service - b.service),
			[
				{ service: 0, packets: 3n },
				{ service: 1, packets: 0n },
			],
		);
		t.is((await tables.run(cli, line, { input })).code, 0);
		t.deepEqual(rows(), [{ service: 1, packets: 0n }]);
	});
