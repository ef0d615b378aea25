// Needs root and BPF: real traffic through a tunnel while its services go.
import { setTimeout } from "node:timers/promises";
import { type Host, needs, testWith } from "@sluice/testbed";
import test, { type ExecutionContext } from "ava";
import { cli, clis } from "../helpers/cli.js";
import { counted } from "../helpers/counters.js";
import { killedAt, writes } from "../helpers/killed.js";
import { addresses, network } from "../helpers/network.js";
import { script } from "../helpers/paths.js";
import { configure, tunnel } from "../helpers/program.js";
import { echoes, startFlow } from "../helpers/traffic.js";

const bpfTest = testWith(test.serial, needs.root, needs.bpf);

const { proxy, node: backend, gateway: gatewayAddress } = addresses[4];
/** More than a lookup cache has slots, so that services share them. The first has half of the traffic. */
const PORTS = 300;
const FIRST = 20_000;
/** How often the busy service is deleted, and moves to another port of the backend and back. */
const CHANGES = 3;
/** Packets a second. */
const RATE = 20_000;

/** Counts packets from or to the backend itself, by UDP or TCP, that are not the tunnel's. */
async function watch(host: Host): Promise<() => Promise<number>> {
	await host.run("nft", ["-f", "-"], {
		input: `table ip clear {
			chain seen {
				type filter hook prerouting priority -300
				ip daddr ${backend} udp dport != 6080 counter
				ip saddr ${backend} udp sport != 6080 counter
				ip daddr ${backend} ip protocol tcp counter
				ip saddr ${backend} ip protocol tcp counter
			}
		}`,
	});
	return async () => {
		const { stdout } = await host.run("nft", ["list", "table", "ip", "clear"]);
		return [...stdout.matchAll(/packets (\d+)/g)].reduce(
			(sum, [, packets]) => sum + Number(packets),
			0,
		);
	};
}

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
		const seen = [await watch(core), await watch(client)] as const;
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

/** A command that changes tables, and what makes them ready for it, lines of one program. */
type Change = { before: string[]; line: string };

const setTunnel = (port: number) =>
	`set 4 ${gatewayAddress} ${port} ${backend} 6080`;
const setFlags = (flags: string) => `set 1 1 ${flags} gateway`;
const started = ["del all", service(0), service(1)];
const prepared = [...started, "rotate 0 1 --prepare new-key"];

const changes: Record<string, Change> = {
	"set of a new service": {
		before: started,
		line: `cli_service ${service(9)}`,
	},
	"set of another backend": {
		before: started,
		line: `cli_service ${service(0, 30_000)}`,
	},
	"del of a service": { before: started, line: "cli_service del 0 1" },
	"restore of nothing": {
		before: started,
		line: "cli_service restore --allow-empty /dev/null",
	},
	"a new key": { before: started, line: `cli_service ${prepared.at(-1)}` },
	"the switch to it": {
		before: prepared,
		line: "cli_service rotate 0 1 --switch",
	},
	"the end of the old key": {
		before: [...prepared, "rotate 0 1 --switch"],
		line: "cli_service rotate 0 1 --finish --force",
	},
	"set of another local end": {
		before: [setTunnel(6080)],
		line: `cli_tunnel ${setTunnel(6090)}`,
	},
	"del of a tunnel": {
		before: [setTunnel(6080)],
		line: "cli_tunnel del 4 --force",
	},
	"set of other flags": {
		before: [setFlags("proxy,snat,fib")],
		line: `cli_cfg ${setFlags("proxy,snat")}`,
	},
};

/** A gateway and a node with two services, and datagrams for both. */
async function site(t: ExecutionContext) {
	const net = await network(t);
	const { client, gateway, core, node } = net;
	await configure(net);
	await tunnel(net, 4);
	for (const host of [gateway, node])
		await clis(host, "cli_service", [service(0), service(1)]);
	await echoes(node, FIRST, 2);
	await echoes(node, 30_000, 1);
	const seen = [await watch(core), await watch(client)] as const;
	const flow = await startFlow(client, proxy, FIRST, 2, 4000);
	return {
		...net,
		flow,
		inClear: () => Promise.all(seen.map((count) => count())),
	};
}

bpfTest(
	"no packet leaves in the clear while commands change tables, whenever they are killed",
	async (t) => {
		const { gateway, flow, inClear } = await site(t);
		for (const [title, { before, line }] of Object.entries(changes)) {
			const [program = ""] = line.split(" ", 1);
			const reset = () => clis(gateway, program, before);
			await reset();
			for (const call of await writes(gateway, line)) {
				await reset();
				await killedAt(gateway, line, call);
				t.deepEqual(await inClear(), [0, 0], `${title}, killed at ${call}`);
			}
			await reset();
			t.deepEqual(await inClear(), [0, 0], title);
		}
		const before = await flow.look();
		await setTimeout(300);
		const { sent, answered } = await flow.stop();
		t.log({ sent, answered });
		t.true(answered > before.answered, "the services work as before");
		t.deepEqual(await inClear(), [0, 0]);
	},
);

bpfTest(
	"no packet leaves in the clear while programs are attached and detached",
	async (t) => {
		const { gateway, node, flow, inClear } = await site(t);
		const steps = [
			[gateway, "reattach_tc lan"],
			[gateway, "reattach_tc wan"],
			[gateway, "detach_tc lan ingress"],
			[gateway, "detach_tc wan ingress"],
			[gateway, "detach_tc lan egress"],
			[gateway, "detach_tc wan egress"],
			[gateway, "attach_tc lan egress"],
			[gateway, "attach_tc wan egress"],
			[gateway, "attach_tc lan ingress"],
			[gateway, "attach_tc wan ingress"],
			[node, "reattach_tc eth0"],
			[node, "detach_tc eth0"],
			[node, "attach_tc eth0"],
		] as const;
		for (const [host, line] of steps) {
			const [name = "", ...args] = line.split(" ");
			await host.run(script(name), args);
			t.deepEqual(await inClear(), [0, 0], line);
		}
		const { answered } = await flow.look();
		await setTimeout(300);
		t.true((await flow.stop()).answered > answered);
		t.deepEqual(await inClear(), [0, 0]);
	},
);
