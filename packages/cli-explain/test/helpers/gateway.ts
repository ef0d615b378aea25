// Needs root: attaches programs in namespaces of its own.

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { runInProcess } from "@sluice/cli-kit/testing";
import { openRing, openTable } from "@sluice/maps";
import { Address } from "@sluice/maps/address";
import {
	configTable,
	type Direction,
	decapTable,
	encapTable,
	eventsTable,
	flagNames,
	natTable,
	pathMtuTable,
	pingTimeTable,
	rotationTable,
	statsTable,
	trafficTable,
	tunnelTable,
	verifyTable,
} from "@sluice/maps/tables";
import { compileBpf, ownNamespaces } from "@sluice/testbed";
import { cli } from "../../src/cli.js";

const bpf = path.dirname(
	createRequire(import.meta.url).resolve("@sluice/bpf/package.json"),
);
export const pins = "/sys/fs/bpf/tc/globals";
export const key = Buffer.from("0123456789abcdef");
const udp = 17;
const tcp = 6;

const proxy = { address: Address.of("5.5.5.5"), port: 3100, proto: tcp };
const backend = { address: Address.of("1.1.1.1"), port: 80, proto: tcp };
export const sid = { service: 1, group: 2 };

/** Objects as an installed machine has them: in a directory of their own. */
const objects = mkdtempSync(path.join(tmpdir(), "sluice-explain-"));
process.once("exit", () => rmSync(objects, { recursive: true }));

const ip = (...words: string[]) => execFileSync("ip", words);

/**
 * A gateway: our programs on eth0, flags dnat at ingress and proxy, snat, dump at egress; service 1 2 through tunnel 7.
 * Without root nothing is made.
 */
export function makeGateway(): void {
	if (process.getuid?.() !== 0) return;
	ownNamespaces();
	ip("link", "set", "lo", "up");
	ip("link", "add", "eth0", "type", "veth", "peer", "name", "other");
	// Nothing but what is asked may be counted.
	writeFileSync("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
	for (const device of ["eth0", "other"]) ip("link", "set", device, "up");
	ip("address", "add", "10.0.0.1/24", "dev", "eth0");
	ip("neigh", "add", "10.0.0.2", "lladdr", "02:00:00:00:00:09", "dev", "eth0");
	for (const name of ["net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"])
		execFileSync("sysctl", ["-qw", `${name}=1`]);
	ip("route", "add", "7.7.7.0/24", "via", "10.0.0.2");
	execFileSync("tc", ["qdisc", "add", "dev", "eth0", "clsact"]);
	for (const direction of ["ingress", "egress"]) {
		const object = compileBpf(
			path.join(bpf, `tunnel/pfc_${direction}_tc.bpf.c`),
			{ define: { TABLE_ENTRIES: 64 } },
		);
		execFileSync("cp", [object, `${objects}/pfc_${direction}_tc.o`]);
		attach(direction, object);
	}
	const set = <K, V>(
		table: Parameters<typeof openTable<K, V>>[0],
		k: K,
		v: V,
	) => openTable(table, pins).set(k, v);
	set(tunnelTable, 7, {
		local: Address.of("10.0.0.1"),
		localPort: 6080,
		remote: Address.of("10.0.0.2"),
		remotePort: 6081,
		lastPing: 0n,
	});
	set(
		decapTable,
		{ address: Address.of("10.0.0.1"), port: 6080, proto: udp },
		1,
	);
	set(verifyTable, sid, { key, tunnel: 7, proxy, backend });
	set(encapTable, backend, { tunnel: 7, sid, key });
	set(natTable, proxy, backend);
	set(natTable, backend, proxy);
	setFlags("ingress", "dnat");
	setFlags("egress", "proxy", "snat", "dump");
}

const attach = (direction: string, object: string) =>
	execFileSync("tc", [
		...["filter", "replace", "dev", "eth0", direction, "pref", "7717"],
		...["handle", "0x1", "protocol", "all", "bpf", "direct-action"],
		...["object-file", object, "section", "tc"],
	]);

/** Sets the flags of the row for every interface's ingress, or egress. */
export const setFlags = (direction: Direction, ...words: string[]) => {
	const bits = words.map((word) => flagNames[direction]?.[word] ?? 0);
	openTable(configTable, pins).set(
		{ ifindex: 0, direction },
		{ id: 1, flags: bits.reduce((sum, bit) => sum | bit, 0), name: "gw" },
	);
};

/** Runs cli_explain on these objects. */
export const explain = (line: string) =>
	runInProcess(cli, line.split(" "), { vars: { SLUICE_BPF_DIR: objects } });

/** Everything that the programs write to. */
export const traces = () => [
	...[
		...[statsTable, trafficTable, tunnelTable as unknown],
		...[rotationTable, pingTimeTable, pathMtuTable],
	].map((table) => [
		...openTable<unknown, unknown>(table as never, pins).entries(),
	]),
	events(),
];

function events(): number {
	const ring = openRing(openTable(eventsTable, pins).fd, () => {});
	try {
		return ring.consume();
	} finally {
		ring.close();
	}
}

export const egress = "--dev eth0 --dir egress --proto tcp";
export const ingress = "--dev eth0 --dir ingress --proto tcp";

/** Lines on the stack, among others that are printed. */
export const isOfStack = (line: string) => /^(route|hook|drops) /.test(line);
