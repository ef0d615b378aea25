// A thousand machines on one etcd, each with a connection, a listing and a watch of its own: machines.ts ETCD-URL
// [MACHINES]. Run by bench.sh fleet. They have no tables; "restart" on standard output asks for etcd to be killed and
// started again. Then prints one JSON document, times in milliseconds.
import { setTimeout as sleep } from "node:timers/promises";
import { Backoff } from "../src/agent/backoff.js";
import { EtcdSource } from "../src/agent/etcd-source.js";
import { Mirror } from "../src/agent/mirror.js";
import { Etcd, MOST_OPERATIONS, putOf } from "../src/etcd/etcd.js";
import { RowsDigest } from "../src/rows/digest.js";
import { Paths } from "../src/rows/paths.js";

const ROWS = 20;
const CHANGES = 200;

/** Machines per transaction: each needs two operations, for a row and for its commit. */
const TOGETHER = MOST_OPERATIONS / 2;

const [url = "", machines = "1000"] = process.argv.slice(2);
const COUNT = Number(machines);
const paths = new Paths("/sluice/v1");
const operator = new Etcd({
	endpoints: [url],
	tls: undefined,
	timeout: 30_000,
});

const rowOf = (i: number, version: number) =>
	JSON.stringify({
		local: "127.0.0.1:6080",
		remote: `10.${version}.0.1:${i + 1}`,
	});

/** Operations that bring one machine to a version. */
function changeOf(machine: number, version: number, first: boolean) {
	const name = `m${machine}`;
	const rows = new Map<string, string>();
	for (let i = 0; i < ROWS; i++)
		rows.set(`tunnels/${i + 1}`, rowOf(i, i === 0 ? version : 0));
	const commit = JSON.stringify({
		generation: version,
		rows: rows.size,
		sha256: RowsDigest.of(rows).hex(),
		deletes: 0,
		by: "probe",
		at: "",
	});
	const changed = first ? [...rows] : [...rows].slice(0, 1);
	return [
		...changed.map(([key, value]) => putOf(paths.machine(name) + key, value)),
		putOf(paths.commit(name), commit),
	];
}

/** What each machine has, and who waits for it. */
const versions = new Array<number>(COUNT).fill(0);
let watching = 0;
let changed = () => {};

async function machine(i: number, signal: AbortSignal): Promise<void> {
	const etcd = new Etcd({ endpoints: [url], tls: undefined, timeout: 30_000 });
	const source = new EtcdSource(etcd, paths, `m${i}`);
	const mirror = new Mirror();
	const backoff = new Backoff(5000);
	const take = () => {
		const { commit } = mirror;
		if (!commit || !mirror.agreesWith(commit)) throw new Error("not agreed");
		mirror.accept();
		versions[i] = commit.generation;
		changed();
	};
	while (!signal.aborted) {
		let isWatching = false;
		try {
			const listing = await source.list();
			mirror.replace(listing.rows);
			take();
			backoff.reset();
			for await (const { events } of source.watch(listing, signal)) {
				if (!isWatching) {
					isWatching = true;
					watching++;
					changed();
				}
				let isCommit = false;
				for (const [key, value] of events)
					isCommit = mirror.set(key, value) || isCommit;
				if (isCommit) take();
			}
		} catch {
			// etcd is gone.
		}
		if (isWatching) watching--;
		if (!signal.aborted) await backoff.wait(signal);
	}
	source.close();
}

function until(is: () => boolean): Promise<void> {
	return new Promise((resolve) => {
		changed = () => {
			if (is()) resolve();
		};
		changed();
	});
}

async function timed(act: () => Promise<unknown>): Promise<number> {
	const start = performance.now();
	await act();
	return performance.now() - start;
}

/** A change for each machine. @param together machines of one transaction @returns the time from the first put to the last machine */
async function changeEach(together: number): Promise<number> {
	const next = versions.map((version) => version + 1);
	const changes = next.map((version, i) => changeOf(i, version, false));
	return timed(async () => {
		const written: Promise<unknown>[] = [];
		while (changes.length > 0)
			written.push(operator.transact([], changes.splice(0, together).flat()));
		await Promise.all(written);
		await until(() => versions.every((version, i) => version === next[i]));
	});
}

const result: Record<string, number | number[]> = {};
for (let i = 0; i < COUNT; i++)
	await operator.transact([], changeOf(i, 1, true));
// One for each machine: removing a listener of a shared signal searches all of its listeners.
const stops = Array.from({ length: COUNT }, () => new AbortController());
const running = stops.map(({ signal }, i) => machine(i, signal));
result.listed = await timed(() => until(() => watching === COUNT));
const one: number[] = [];
for (let i = 0; i < CHANGES; i++) {
	const who = i % COUNT;
	const version = (versions[who] as number) + 1;
	one.push(
		await timed(async () => {
			await operator.transact([], changeOf(who, version, false));
			await until(() => versions[who] === version);
		}),
	);
}
result.oneChange = one;
result.changeEach = await changeEach(1);
result.changeEachTogether = await changeEach(TOGETHER);
console.log("restart");
await until(() => watching === 0);
for (;;) {
	try {
		await operator.get(paths.names);
		break;
	} catch {
		await sleep(50);
	}
}
result.storm = await timed(() => until(() => watching === COUNT));
result.memory = process.memoryUsage().rss / 1_048_576;
for (const stop of stops) stop.abort();
await Promise.all(running);
operator.close();
console.log(JSON.stringify(result));
