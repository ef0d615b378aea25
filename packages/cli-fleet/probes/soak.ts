// Ten machines, three members of etcd, ten changes a second and a fault every few seconds: soak.ts SECONDS SEED. Run by
// scripts/test-fleet.sh --soak. Ends with 1 where a machine is not what the store says.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
	type Host,
	Random,
	type Running,
	type Testbed,
	testbed,
} from "@sluice/testbed";

const MACHINES = 10;
const MEMBERS = 3;
const CHANGES_A_SECOND = 10;

/** Milliseconds between two faults, and those that one may take. */
const EVERY = 5000;
const LONG = 5000;

/** Debian's libfaketime: an agent's wall clock can jump. Its monotonic clock goes on, as the kernel's does. */
const FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";

const program = (name: string) => path.resolve(`../../bin/${name}`);

interface Machine {
	host: Host;
	agent: Running;
}

interface Stage {
	store: Host;
	members: Running[];
	machines: Machine[];
	urls: string;
	directory: string;
}

const address = (network: number, host: number) => `10.200.${network}.${host}`;
const url = (i: number, peer = 0) =>
	`http://${address(100, 2)}:${2379 + 10 * i + peer}`;

function startMember(store: Host, directory: string, i: number): Running {
	const cluster = Array.from(
		{ length: MEMBERS },
		(_, n) => `m${n}=${url(n, 1)}`,
	);
	return store.spawn("etcd", [
		...["--name", `m${i}`, "--data-dir", `${directory}/m${i}`],
		...["--listen-client-urls", url(i), "--advertise-client-urls", url(i)],
		...["--listen-peer-urls", url(i, 1)],
		...["--initial-advertise-peer-urls", url(i, 1)],
		...["--initial-cluster", cluster.join(",")],
		...["--log-level", "error", "--logger", "zap"],
	]);
}

const clockOf = (directory: string, name: string) =>
	path.join(directory, `${name}.clock`);

function startAgent(host: Host, directory: string, urls: string): Running {
	const line = ["run", "--machine", host.name, "--etcd", urls];
	return host.spawn(
		program("cli_fleet"),
		[...line, "--directory", `${directory}/${host.name}`],
		existsSync(FAKETIME)
			? {
					env: {
						LD_PRELOAD: FAKETIME,
						FAKETIME_TIMESTAMP_FILE: clockOf(directory, host.name),
						FAKETIME_NO_CACHE: "1",
						FAKETIME_DONT_FAKE_MONOTONIC: "1",
					},
				}
			: {},
	);
}

async function setUp(bed: Testbed, directory: string): Promise<Stage> {
	const net = await bed.router("net");
	const join = async (host: Host, network: number) => {
		await bed.link(
			{ host, name: "eth0", addresses: [`${address(network, 2)}/24`] },
			{
				host: net,
				name: `to-${host.name}`,
				addresses: [`${address(network, 1)}/24`],
			},
		);
		await host.run("ip", ["link", "set", "lo", "up"]);
		await host.route("default", address(network, 1));
	};
	const store = await bed.host("store");
	await join(store, 100);
	const urls = Array.from({ length: MEMBERS }, (_, i) => url(i)).join(",");
	const members = Array.from({ length: MEMBERS }, (_, i) =>
		startMember(store, directory, i),
	);
	const machines: Machine[] = [];
	for (let i = 0; i < MACHINES; i++) {
		const host = await bed.host(`gw${i}`);
		await join(host, i);
		await host.run(path.resolve("../../scripts/attach_tc.sh"), ["eth0"]);
		writeFileSync(clockOf(directory, host.name), "+0\n");
		machines.push({ host, agent: startAgent(host, directory, urls) });
	}
	return { store, members, machines, urls, directory };
}

/** Each is over when it returns. */
const faults: Record<string, (stage: Stage, random: Random) => Promise<void>> =
	{
		async "an agent is killed"({ machines, directory, urls }, random) {
			const one = random.pick(machines);
			await one.host.run("kill", ["-9", String(one.agent.pid)]);
			await one.agent.ended;
			await sleep(random.below(LONG));
			one.agent = startAgent(one.host, directory, urls);
		},
		async "a member is killed"({ store, members, directory }, random) {
			const i = random.below(MEMBERS);
			await store.run("kill", ["-9", String(members[i]?.pid)]);
			await members[i]?.ended;
			await sleep(random.below(LONG));
			members[i] = startMember(store, directory, i);
		},
		async "a member is frozen"({ store, members }, random) {
			const pid = String(random.pick(members).pid);
			await store.run("kill", ["-STOP", pid]);
			await sleep(LONG);
			await store.run("kill", ["-CONT", pid]);
		},
		async "a machine is cut off"({ machines }, random) {
			const { host } = random.pick(machines);
			const rule = "tcp dport 2379-2400 drop";
			await host.run("nft", ["-f", "-"], {
				input: `table inet cut { chain out { type filter hook output priority 0; ${rule}; }; }`,
			});
			await sleep(LONG);
			await host.run("nft", ["delete", "table", "inet", "cut"]);
		},
		async "the history is compacted"(stage) {
			const status = await etcdctl(stage, "endpoint", "status", "-w", "json");
			const revision = /"revision":(\d+)/.exec(status)?.[1];
			if (revision) await etcdctl(stage, "compact", revision);
		},
		async "the members are defragmented"(stage) {
			await etcdctl(stage, "defrag");
		},
		async "a machine's clock jumps by an hour"(
			{ machines, directory },
			random,
		) {
			const { host } = random.pick(machines);
			const hours = random.below(3) - 1;
			writeFileSync(
				clockOf(directory, host.name),
				`${hours < 0 ? "" : "+"}${hours}h\n`,
			);
		},
	};

/** May fail: a member may be gone. */
async function etcdctl(
	{ store, urls }: Stage,
	...args: string[]
): Promise<string> {
	const { stdout } = await store.run(
		"etcdctl",
		["--endpoints", urls, ...args],
		{ env: { ETCDCTL_API: "3" }, reject: false },
	);
	return stdout;
}

/** What is wrong with a machine. */
async function mistakesOf(
	{ store, urls }: Stage,
	{ host }: Machine,
): Promise<string[]> {
	const get = ["get", host.name, "--show-keys", "--json", "--etcd", urls];
	const { stdout: input } = await store.run(program("cli_fleet"), get);
	const found: string[] = [];
	for (const [name, words, more] of [
		["cli_apply", ["diff", "-"], { input }],
		["cli_service", ["check"], {}],
	] as const) {
		const options = { ...more, reject: false };
		const { exitCode, stdout, stderr } = await host.run(
			program(name),
			words,
			options,
		);
		if (exitCode !== 0) found.push(`${host.name}: ${stdout}\n${stderr}`);
	}
	return found;
}

const [seconds = "600", seed = String(Date.now() % 100_000)] =
	process.argv.slice(2);
const directory = mkdtempSync(path.join(tmpdir(), "fleet-soak-"));
const bed = testbed();
try {
	console.log(`seed ${seed}`);
	if (!existsSync(FAKETIME))
		console.log("no libfaketime (Debian: faketime): no clock jumps");
	const stage = await setUp(bed, directory);
	const names = stage.machines.map(({ host }) => host.name).join(",");
	const pusher = stage.store.spawn(process.execPath, [
		...["--import=tsx", path.resolve("probes/soak-pusher.ts")],
		...[stage.urls, names, String(CHANGES_A_SECOND), seed],
	]);
	const random = new Random(Number(seed));
	const counts = new Map<string, number>();
	const until = performance.now() + 1000 * Number(seconds);
	while (performance.now() < until) {
		await sleep(random.below(2 * EVERY));
		const [name, act] = random.pick(Object.entries(faults));
		if (name.includes("clock") && !existsSync(FAKETIME)) continue;
		await act(stage, random);
		counts.set(name, (counts.get(name) ?? 0) + 1);
	}
	pusher.end();
	await pusher.ended;
	for (const [name, count] of counts) console.log(`${name}: ${count} times`);
	const { pushed, failed } = JSON.parse(
		pusher.stdout.trim().split("\n").at(-1) ?? "{}",
	);
	console.log(`${pushed} changes pushed, ${failed} failed`);
	// Longer than an agent waits until it tries a member again.
	let status = "";
	for (let left = 60; left > 0; left--) {
		const line = ["status", "--etcd", stage.urls];
		const ended = await stage.store.run(program("cli_fleet"), line, {
			reject: false,
		});
		status = ended.stdout;
		if (ended.exitCode === 0) break;
		await sleep(1000);
	}
	console.log(status);
	const wrong: string[] = [];
	for (const machine of stage.machines)
		wrong.push(...(await mistakesOf(stage, machine)));
	for (const line of wrong) console.log(line);
	console.log(
		wrong.length === 0
			? `${MACHINES} machines are what the store says`
			: "NOT what the store says",
	);
	process.exitCode = wrong.length === 0 && pushed > 0 ? 0 : 1;
} finally {
	await bed.close();
	rmSync(directory, { recursive: true, force: true });
}
