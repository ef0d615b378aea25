// Needs root and BPF: real traffic through a tunnel while its services go.
import { needs, testWith } from "@sluice/testbed";
import test from "ava";
import { inClear } from "../helpers/clear.js";
import { cli, clis } from "../helpers/cli.js";
import { counted } from "../helpers/counters.js";
import { addresses, network } from "../helpers/network.js";
import { configure, tunnel } from "../helpers/program.js";
import { echoes, startFlow } from "../helpers/traffic.js";

const bpfTest = testWith(test.serial, needs.root, needs.bpf);

const { proxy, node: backend } = addresses[4];
/** More than a lookup cache has slots, so that services share them. The first has half of the traffic. */
const PORTS = 300;
const FIRST = 20_000;
/** How often the busy service is deleted, and moves to another port of the backend and back. */
const CHANGES = 3;
/** Packets a second. */
const RATE = 20_000;

const service = (i: number, to = FIRST + i) =>
	`set ${i} 1 udp ${proxy} ${FIRST + i} ${backend} ${to} 4 key`;

bpfTest(
	"no packet of a flow leaves in the clear when its service goes or moves",
	async (t) => {
		const net = await network(t);
		const { client, gateway, core, node } = net;
		await configure(net);
		await tunnel(net, 4);
		const all = Array.from({ length: PORTS }, (_, i) => i);
		for (const host of [gateway, node])
			await clis(
				host,
				"cli_service",
				all.map((i) => service(i)),
			);
		await echoes(node, FIRST, PORTS);
		const seen = [await inClear(core), await inClear(client)] as const;
		const flow = await startFlow(client, proxy, FIRST, PORTS, RATE);

		for (let i = 0; i < CHANGES; i++) {
			await cli(gateway, "cli_service del 0 1");
			await cli(gateway, `cli_service ${service(0)}`);
			await cli(gateway, `cli_service ${service(0, 30_000)}`);
			await cli(gateway, `cli_service ${service(0)}`);
		}
		const { sent, answered } = await flow.stop();

		t.true(sent > RATE / 4, `${sent} sent`);
		t.true(answered > 0, `${answered} answered`);
		t.deepEqual(await Promise.all(seen.map((count) => count())), [0, 0]);
		// What the two hooks have judged differently is dropped and counted.
		const translated = await counted(gateway, 0, "dnat");
		const encapsulated = await counted(gateway, 1, "encapsulated");
		const gone = await counted(gateway, 1, "service-gone");
		t.log({ sent, answered, translated, encapsulated, gone });
		t.true(translated - encapsulated <= gone);
	},
);
