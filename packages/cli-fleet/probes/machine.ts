// One agent with 10 000 tunnels and 10 000 services, measured: machine.ts ETCD-URL. Run by bench.sh fleet, in a host of its
// own with the programs attached. Prints one JSON document; times are in milliseconds, memory in MB.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import {
	setTimeout as sleep,
	setImmediate as soon,
} from "node:timers/promises";
import { openTable } from "@sluice/maps";
import { tcPins } from "@sluice/maps/bpffs";
import { verifyTable } from "@sluice/maps/tables";
import type { AgentStatus } from "../src/agent/status.js";
import { Etcd, putOf } from "../src/etcd/etcd.js";
import { currentOf, push } from "../src/push/push.js";
import { type Commit, readCommit } from "../src/rows/commit.js";
import { RowsDigest } from "../src/rows/digest.js";
import { Paths } from "../src/rows/paths.js";
import type { Rows } from "../src/rows/rows.js";

const COUNT = 10_000;
const PUTS = 200;
const NAME = "gw1";

const [url = ""] = process.argv.slice(2);
const paths = new Paths("/sluice/v1");
const etcd = new Etcd({ endpoints: [url], tls: undefined });
const directory = mkdtempSync(path.join(tmpdir(), "fleet-probe-"));
const program = path.join(import.meta.dirname, "../dist/cli_fleet.cjs");

/** Rows of so many tunnels and services. @param port that backends begin at */
function rowsOf(port: number): Rows {
	const rows: Rows = new Map();
	for (let i = 0; i < COUNT; i++) {
		rows.set(
			`tunnels/${i + 1}`,
			JSON.stringify({ local: "127.0.0.1:6080", remote: "learned" }),
		);
		rows.set(`services/1.${i}`, serviceOf(i, port));
		rows.set(
			`keys/1.${i}`,
			JSON.stringify({ keys: [{ hex: i.toString(16).padStart(32, "0") }] }),
		);
	}
	return rows;
}

const serviceOf = (i: number, port: number) =>
	JSON.stringify({
		protocol: "tcp",
		proxy: `203.0.113.10:${1000 + i}`,
		backend: `192.168.7.2:${port + i}`,
		tunnel: i + 1,
	});

async function pushAll(rows: Rows): Promise<number> {
	const current = await currentOf(etcd, paths, NAME);
	const { generation } = await push(etcd, paths, NAME, current, rows);
	return generation;
}

function startAgent() {
	return spawn(
		process.execPath,
		[
			...[program, "run", "--machine", NAME, "--etcd", url],
			...["--directory", directory],
		],
		{ stdio: "ignore" },
	);
}

async function statusOf(): Promise<AgentStatus | undefined> {
	const row = await etcd.get(`${paths.status(NAME)}agent`);
	return row && (JSON.parse(row.value) as AgentStatus);
}

/** Waits until an agent that started after `since` has applied a generation. */
async function applied(generation: number, since: number): Promise<void> {
	for (;;) {
		const status = await statusOf();
		if (
			status?.applied === generation &&
			status.source === "etcd" &&
			Date.parse(status.since) >= since
		)
			return;
		await sleep(5);
	}
}

async function timed(act: () => Promise<unknown>): Promise<number> {
	const start = performance.now();
	await act();
	return performance.now() - start;
}

const peak = (pid: number) =>
	Number(
		/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1],
	) / 1024;

/** CPU time of a process, in milliseconds: ticks are hundredths of a second. */
function cpu(pid: number): number {
	const text = readFileSync(`/proc/${pid}/stat`, "utf8");
	const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
	return 10 * (Number(fields[11]) + Number(fields[12]));
}

const table = openTable(verifyTable, tcPins("/sys/fs/bpf"), { readOnly: true });
const portOf = (group: number) =>
	table.get({ service: 1, group })?.backend.port;

const result: Record<string, number | number[]> = {};
let rows = rowsOf(1000);
const first = await pushAll(rows);
let agent = startAgent();
result.startEmpty = await timed(() => applied(first, Date.now() - 1000));
result.startEmptyCpu = cpu(agent.pid as number);
await sleep(2000);
agent.kill("SIGTERM");
await once(agent, "exit");
await sleep(1100);
const since = Date.now();
agent = startAgent();
result.startUnchanged = await timed(() => applied(first, since));
result.startUnchangedCpu = cpu(agent.pid as number);
await sleep(2000);

// One row each, with its commit, in one transaction.
const digest = RowsDigest.of(rows);
let commit = readCommit((await etcd.get(paths.commit(NAME)))?.value) as Commit;
const puts: number[] = [];
for (let i = 0; i < PUTS; i++) {
	const key = `services/1.${i}`;
	const value = serviceOf(i, 20_000);
	digest.add(key, rows.get(key) as string, -1);
	digest.add(key, value);
	rows.set(key, value);
	commit = {
		...commit,
		generation: commit.generation + 1,
		sha256: digest.hex(),
		deletes: 0,
	};
	const start = performance.now();
	await etcd.transact(
		[],
		[
			putOf(paths.machine(NAME) + key, value),
			putOf(paths.commit(NAME), JSON.stringify(commit)),
		],
	);
	while (portOf(i) !== 20_000 + i) await soon();
	puts.push(performance.now() - start);
	await sleep(25);
}
result.putToRow = puts;

rows = new Map([...rows, ...rowsOf(30_000)]);
const cpuBefore = cpu(agent.pid as number);
let firstPut = 0;
const transact = etcd.transact.bind(etcd);
etcd.transact = (...args) => {
	firstPut ||= performance.now();
	return transact(...args);
};
const pushing = pushAll(rows);
while (portOf(COUNT - 1) !== 30_000 + COUNT - 1) await sleep(1);
result.tenThousand = performance.now() - firstPut;
await pushing;
result.tenThousandCpu = cpu(agent.pid as number) - cpuBefore;
result.memory = peak(agent.pid as number);
agent.kill("SIGTERM");
await once(agent, "exit");
table.close();
etcd.close();
rmSync(directory, { recursive: true });
console.log(JSON.stringify(result));
