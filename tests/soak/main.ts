// Needs root and BPF: the soak, started by scripts/soak.sh.
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { cli } from "../helpers/cli.js";
import { script } from "../helpers/paths.js";
import { bufferFull } from "../helpers/traffic.js";
import { perCpuMemory, residentMemory, trend } from "./memory.js";
import { type Daemon, Site } from "./site.js";
import { stepsOf } from "./steps.js";

const { values } = parseArgs({
	options: {
		seconds: { type: "string" },
		seed: { type: "string" },
		every: { type: "string" },
		rate: { type: "string" },
	},
});
const number = (name: keyof typeof values, otherwise: number): number => {
	const text = values[name] ?? String(otherwise);
	if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
	console.error(`soak.sh: --${name} must be a positive integer, got "${text}"`);
	process.exit(2);
};
const seconds = number("seconds", 3600);
/** Between the beginnings of two steps, in seconds, at least. */
const every = values.every === undefined ? 0 : number("every", 1);
const rate = number("rate", 1000);
const seed = number("seed", (Date.now() % 999_999) + 1);

/** Growth that a garbage collector's mood explains, in kilobytes. */
const MOST_GROWTH = 24_000;

/** Numerical Recipes' linear congruential generator: the same steps for the same seed. */
let state = seed;
function random(below: number): number {
	state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
	return Math.floor((state / 2 ** 32) * below);
}

/** Packets that a CPU of this machine had no room for in its backlog, whosever they were. */
const backlogFull = () =>
	readFileSync("/proc/net/softnet_stat", "utf8")
		.trim()
		.split("\n")
		.reduce((sum, line) => sum + Number(`0x${line.split(" ")[1]}`), 0);

const site = await Site.make(rate);
const { client, gateway, node } = site.net;
const { load, connects, flow } = site.traffic;
const { carriers, steps } = stepsOf(site, random);
const names = Object.keys(steps);
const backlogBefore = backlogFull();
const perCpu: number[] = [];
const resident = new Map<Daemon, number[]>();

let failed = 0;
let count = 0;
let lateBefore = 0;
const start = performance.now();
const pick = <T>(list: readonly T[]) => list[random(list.length)] as T;

while (performance.now() - start < 1000 * seconds) {
	const name = pick(names);
	const carrier = pick(carriers);
	const { host, device } = carrier;
	count++;
	let note = "";
	const due = performance.now() + 1000 * every;
	try {
		await steps[name]?.(carrier);
	} catch (error) {
		failed++;
		note = `: ${error}`;
	}
	const { late } = await load.look();
	if (late > lateBefore) note += ` (${late - lateBefore} datagrams overdue)`;
	lateBefore = late;
	perCpu.push(perCpuMemory());
	for (const [kind, { pid }] of site.daemons) {
		const samples = resident.get(kind) ?? [];
		resident.set(kind, [...samples, residentMemory(pid)]);
	}
	const at = ((performance.now() - start) / 1000).toFixed(1);
	console.log(`${at} s, ${count} ${host.name} ${device}: ${name}${note}`);
	await sleep(Math.max(0, due - performance.now()));
}

const flowed = await flow.stop();
const connected = await connects.stop();
const { tcp, udp } = await load.stop();
const forwarded = await site.forwarded();
for (const host of [gateway, node]) {
	await host.run(script("reattach_tc"), ["--migrate"]);
	await cli(host, "cli_service check").catch((error) => {
		failed++;
		console.log(`check on ${host.name}: ${error}`);
	});
}
const clear = await site.inClear();
const full =
	(await bufferFull(client)) +
	(await bufferFull(node)) +
	backlogFull() -
	backlogBefore;
const lost = {
	tcp: tcp.sent - tcp.answered,
	udp: Math.max(0, udp.sent - udp.answered - full),
	connections: connected.sent - connected.answered,
	udplb: flowed.sent - forwarded,
};
console.log(
	[
		`seed ${seed}, ${seconds} s, ${count} steps, ${failed} failed`,
		`tcp ${tcp.answered} of ${tcp.sent} messages answered`,
		`udp ${udp.answered} of ${udp.sent} answered, ${full} found a buffer of the machine full`,
		`tcp ${connected.answered} of ${connected.sent} connections answered, by socket steering`,
		`udplb ${forwarded} of ${flowed.sent} arrived`,
		`in the clear ${clear.join(" and ")} packets`,
	].join("\n"),
);
let grown = 0;
for (const [name, samples] of [
	["per-CPU memory of the machine", perCpu] as const,
	...resident,
]) {
	const { before, after } = trend(samples);
	if (after - before > MOST_GROWTH) grown++;
	console.log(
		`${name}: ${before} kB in the first quarter, ${after} in the last`,
	);
}
if (Object.values(lost).some((n) => n !== 0))
	for (const host of [gateway, node])
		console.log(`${host.name}:\n${(await cli(host, "cli_cfg stats")).stdout}`);
site.close();
// The hosts go with this process.
process.exit(
	failed ||
		grown ||
		Object.values(lost).some((n) => n !== 0) ||
		clear.some((n) => n > 0)
		? 1
		: 0,
);
