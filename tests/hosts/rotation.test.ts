// Needs root and BPF: keys are replaced while traffic goes through a tunnel.
import { setTimeout as sleep } from "node:timers/promises";
import { type Host, needs, testWith } from "@sluice/testbed";
import test from "ava";
import { inClear } from "../helpers/clear.js";
import { cli, clis } from "../helpers/cli.js";
import { acrossTunnel, counterOf, quiet } from "../helpers/counters.js";
import { addresses, network } from "../helpers/network.js";
import { configure, tunnel } from "../helpers/program.js";
import { echoes, startFlow } from "../helpers/traffic.js";

const bpfTest = testWith(test.serial, needs.root, needs.bpf);

const { proxy, node: backend } = addresses[4];
const FIRST = 20_000;
/** Packets a second, each of which is answered. */
const RATE = 2000;

const services = [0, 1];
const set = (i: number, key: string) =>
	`set ${i} 1 udp ${proxy} ${FIRST + i} ${backend} ${FIRST + i} 4 ${key}`;

/** One step of the rotation of both services, at one end. */
const step = (host: Host, options: string) =>
	clis(
		host,
		"cli_service",
		services.map((i) => `rotate ${i} 1 ${options}`),
	);

/** Whether packets have come with the old key of service 0 since the switch. */
async function oldKeyIsUsed(host: Host): Promise<boolean> {
	const { stdout } = await cli(host, "cli_service get 0 1 --json");
	return JSON.parse(stdout).services[0].rotation.packets > 0;
}

bpfTest(
	"keys are rotated under load, in each order of the two ends, without a loss",
	async (t) => {
		const net = await network(t);
		const { client, gateway, core, node } = net;
		await configure(net);
		await tunnel(net, 4);
		for (const host of [gateway, node])
			await clis(
				host,
				"cli_service",
				services.map((i) => set(i, "key-0")),
			);
		await echoes(node, FIRST, services.length);
		const seen = [await inClear(core), await inClear(client)] as const;
		const flow = await startFlow(client, proxy, FIRST, services.length, RATE);

		for (const [number, [first, second]] of [
			[gateway, node],
			[node, gateway],
		].entries()) {
			const a = first as Host;
			const b = second as Host;
			await step(a, `--prepare key-${number + 1}`);
			await step(b, `--prepare key-${number + 1}`);
			await step(a, "--switch");
			// The other end still sends the old key.
			while (!(await oldKeyIsUsed(a))) await sleep(100);
			const early = await t.throwsAsync(step(a, "--finish"));
			t.regex(String(early), /the old key of service 0 1 is in use/);
			await step(b, "--switch");
			await sleep(300);
			await step(b, "--finish --idle 0.2");
			await step(a, "--finish --idle 0.2");
		}
		const { sent, answered } = await flow.stop();

		// Counted on the way: what a busy machine's sockets have no room for is not lost by the tunnel.
		await quiet(node);
		const translated = await counterOf(gateway, "ingress", "dnat");
		const there = await acrossTunnel(gateway, node);
		const back = await acrossTunnel(node, gateway);
		t.log({ sent, answered, translated, there, back });
		t.true(sent > 100, `${sent} sent`);
		t.true(answered > 100, `${answered} answered`);
		// More where the client refuses an answer that comes after its end.
		t.true(translated >= sent);
		t.true(there.encapsulated >= sent);
		t.is(there.decapsulated, there.encapsulated);
		t.is(back.decapsulated, back.encapsulated);
		t.deepEqual(await Promise.all(seen.map((count) => count())), [0, 0]);
		for (const host of [gateway, node])
			t.is(await counterOf(host, "ingress", "wrong-key"), 0);
		const { stdout } = await cli(gateway, "cli_service get 0 1 --show-keys");
		t.regex(stdout, /'key-2'/);
		t.notRegex(stdout, /ROTATION/);
	},
);
