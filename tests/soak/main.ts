// Needs root and BPF: the soak, started by scripts/soak.sh.
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { Host } from "@sluice/testbed";
import { cli } from "../helpers/cli.js";
import { addresses, network } from "../helpers/network.js";
import { PINS, script } from "../helpers/paths.js";
import { configure, serve } from "../helpers/program.js";
import { lastRelease } from "../helpers/release.js";
import { backend, bufferFull, startLoad } from "../helpers/traffic.js";
import { watchCore } from "../helpers/watch.js";

const { values } = parseArgs({
	options: { seconds: { type: "string" }, seed: { type: "string" } },
});
const number = (name: "seconds" | "seed", otherwise: number): number => {
	const text = values[name] ?? String(otherwise);
	if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
	console.error(`soak.sh: --${name} must be a positive integer, got "${text}"`);
	process.exit(2);
};
const seconds = number("seconds", 3600);
const seed = number("seed", (Date.now() % 999_999) + 1);

/** Numerical Recipes' linear congruential generator: the same steps for the same seed. */
let state = seed;
function random(below: number): number {
	state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
	return Math.floor((state / 2 ** 32) * below);
}

const net = await network({
	timeout: () => {},
	teardown: () => {},
} as never);
const { client, gateway, core, node } = net;
const { proxy, node: nodeAddress, gateway: gatewayAddress } = addresses[4];
const old = { SLUICE_BPF_DIR: `${lastRelease()}/bpf/dist` };
const places: [Host, string][] = [
	[gateway, "wan"],
	[gateway, "lan"],
	[node, "eth0"],
];

await configure(net);
await cli(gateway, `cli_tunnel set 4 ${gatewayAddress} 6080 0 0`);
await cli(node, `cli_tunnel set 4 ${nodeAddress} 6080 ${gatewayAddress} 6080`);
await serve([gateway, node], {
	inside: 4,
	tunnel: 4,
	group: 1,
	tcp: 70,
	udp: 90,
});
await backend(node, { http: 80, udp: 90, tcp: 70 });
await cli(node, "cli_tunnel ping 4 --count 1");
const inClear = await watchCore(core);

/** Each does one thing to one host; traffic must not notice. */
const steps: Record<string, (host: Host, device: string) => Promise<unknown>> =
	{
		reattach: (host, device) => host.run(script("reattach_tc"), [device]),
		"reattach, killed": (host, device) =>
			killed(host, `${script("reattach_tc")} ${device}`),
		migrate: (host) => host.run(script("reattach_tc"), ["--migrate"]),
		"migrate to the last release": (host) =>
			host.run(script("reattach_tc"), ["--migrate"], { env: old }),
		"migrate to another size": (host) =>
			host.run(script("reattach_tc"), [
				...["--migrate", "--entries", String(1000 + random(100_000))],
			]),
		"migrate, killed": async (host) => {
			await killed(host, `${script("reattach_tc")} --migrate --entries 4000`);
			await host.run(script("reattach_tc"), ["--migrate"]);
		},
		"pins lost": async (host, device) => {
			await host.run("sh", ["-c", `rm ${PINS}/*`]);
			await host.run(script("reattach_tc"), [device]);
		},
		"set again": (host) =>
			cli(host, `cli_service set 1 1 tcp ${proxy} 70 ${nodeAddress} 70 4 key`),
		"another service, killed": (host) =>
			killed(
				host,
				`${process.execPath} bin/cli_service set 9 ${random(100)} tcp 10.9.0.9 ${1 + random(1000)} 10.3.0.9 80 4 key`,
			).then(() => cli(host, "cli_service check --repair")),
		ping: () => cli(node, "cli_tunnel ping 4 --count 1"),
	};

/** Runs a command line and kills it at some time of its first seconds. */
const killed = (host: Host, line: string) =>
	host.run(
		"bash",
		["-c", `timeout -s KILL ${(random(3000) / 1000).toFixed(3)} ${line}`],
		{ reject: false, cwd: `${import.meta.dirname}/../..` },
	);

/** Memory of the whole machine's kernel that maps and programs take, in kilobytes. */
const slab = () =>
	Number(
		/^Percpu:\s+(\d+)/m.exec(readFileSync("/proc/meminfo", "utf8"))?.[1] ?? 0,
	);

const memory = slab();
const load = await startLoad(client, proxy, { tcp: 70, udp: 90 });
let failed = 0;
let count = 0;
const names = Object.keys(steps);
for (
	const end = performance.now() + 1000 * seconds;
	performance.now() < end;
) {
	const name = names[random(names.length)] as string;
	const [host, device] = places[random(places.length)] as [Host, string];
	count++;
	try {
		await steps[name]?.(host, device);
		console.log(`${count} ${host.name} ${device}: ${name}`);
	} catch (error) {
		failed++;
		console.log(`${count} ${host.name} ${device}: ${name}: ${error}`);
	}
}
const { tcp, udp } = await load.stop();
for (const host of [gateway, node])
	await cli(host, "cli_service check").catch((error) => {
		failed++;
		console.log(`check on ${host.name}: ${error}`);
	});
const clear = await inClear();
const full = (await bufferFull(client)) + (await bufferFull(node));
console.log(
	[
		`seed ${seed}, ${count} steps, ${failed} failed`,
		`tcp ${tcp.answered} of ${tcp.sent} answered, udp ${udp.answered} of ${udp.sent}, ${full} found a socket buffer full`,
		`in the clear ${clear.join(" and ")} packets`,
		`per-CPU memory ${memory} kB before, ${slab()} kB after`,
	].join("\n"),
);
const lost = tcp.sent - tcp.answered + udp.sent - udp.answered - full;
// The hosts go with this process.
process.exit(failed || lost || clear.some((n) => n > 0) ? 1 : 0);
