// Needs root and BPF: real traffic through a tunnel while its services go.
import { setTimeout } from "node:timers/promises";
import { type Host, needs, testWith } from "@sluice/testbed";
import test, { type ExecutionContext } from "ava";
import { cli, clis } from "../helpers/cli.js";
import { counterOf, queuesEmpty } from "../helpers/counters.js";
import { killedAt, writes } from "../helpers/killed.js";
import {
	addresses,
	type Family,
	families,
	network,
} from "../helpers/network.js";
import { script } from "../helpers/paths.js";
import { configure, tunnel } from "../helpers/program.js";
import { echoes, startFlow } from "../helpers/traffic.js";

const bpfTest = testWith(test.serial, needs.root, needs.bpf);

/** More than a lookup cache has slots, so that services share them. The first has half of the traffic. */
const PORTS = 300;
const FIRST = 20_000;
/** How often the busy service is deleted, and moves to another port of the backend and back. */
const CHANGES = 3;
/** Packets a second. */
const RATE = 20_000;

/** Counts packets from or to the backends themselves, by UDP or TCP, that are not the tunnels'. */
async function watch(host: Host): Promise<() => Promise<number>> {
	const rules = families.flatMap((family) => {
		const ip = family === 4 ? "ip" : "ip6";
		const { node } = addresses[family];
		return [
			`${ip} daddr ${node} udp dport != 6080 counter`,
			`${ip} saddr ${node} udp sport != 6080 counter`,
			`${ip} daddr ${node} meta l4proto tcp counter`,
			`${ip} saddr ${node} meta l4proto tcp counter`,
		];
	});
	return count(host, "prerouting", rules);
}

/** Counts packets that match one of these rules. @returns reads the sum */
async function count(
	host: Host,
	hook: string,
	rules: readonly string[],
): Promise<() => Promise<number>> {
	await host.run("nft", ["-f", "-"], {
		input: `table inet watch {
			chain seen {
				type filter hook ${hook} priority -300
				${rules.join("\n")}
			}
		}`,
	});
	return async () => {
		const { stdout } = await host.run("nft", [
			"list",
			"table",
			"inet",
			"watch",
		]);
		return [...stdout.matchAll(/packets (\d+)/g)].reduce(
			(sum, [, packets]) => sum + Number(packets),
			0,
		);
	};
}

/** The group id and the tunnel of a service are its family. */
function service(i: number, to = FIRST + i, family: Family = 4): string {
	const { proxy, node } = addresses[family];
	return `set ${i} ${family} udp ${proxy} ${FIRST + i} ${node} ${to} ${family} key`;
}

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
		const flow = await startFlow(
			client,
			addresses[4].proxy,
			FIRST,
			PORTS,
			RATE,
		);

		for (let i = 0; i < CHANGES; i++) {
			await cli(gateway, "cli_service del 0 4");
			await cli(gateway, `cli_service ${service(0)}`);
			await cli(gateway, `cli_service ${service(0, 30_000)}`);
			await cli(gateway, `cli_service ${service(0)}`);
		}
		const { sent, answered } = await flow.stop();

		t.true(sent > 100, `${sent} sent`);
		t.true(answered > 0, `${answered} answered`);
		t.deepEqual(await Promise.all(seen.map((count) => count())), [0, 0]);
		// What the two hooks have judged differently is dropped and counted.
		const translated = await counterOf(gateway, "ingress", "dnat");
		const encapsulated = await counterOf(gateway, "egress", "encapsulated");
		const gone = await counterOf(gateway, "egress", "service-gone");
		t.log({ sent, answered, translated, encapsulated, gone });
		t.true(translated - encapsulated <= gone);
	},
);

/** A command that changes tables, and what makes them ready for it, lines of one program. */
type Change = { before: string[]; line: string };

const started = [
	"del all",
	...families.flatMap((family) => [
		service(0, FIRST, family),
		service(1, FIRST + 1, family),
	]),
];

const setFlags = (flags: string) => `set 1 1 ${flags} gateway`;

function setTunnel(family: Family, port: number): string {
	const { gateway, node } = addresses[family];
	return `set ${family} ${gateway} ${port} ${node} 6080`;
}

/** What may be killed, for a service of a family. */
function changesOf(family: Family): Record<string, Change> {
	const tunnels = families.map((each) => setTunnel(each, 6080));
	const prepared = [...started, `rotate 0 ${family} --prepare new-key`];
	return {
		"set of a new service": {
			before: started,
			line: `cli_service ${service(9, FIRST + 9, family)}`,
		},
		"set of another backend": {
			before: started,
			line: `cli_service ${service(0, 30_000, family)}`,
		},
		"del of a service": {
			before: started,
			line: `cli_service del 0 ${family}`,
		},
		"restore of nothing": {
			before: started,
			line: "cli_service restore --allow-empty /dev/null",
		},
		"a new key": { before: started, line: `cli_service ${prepared.at(-1)}` },
		"the switch to it": {
			before: prepared,
			line: `cli_service rotate 0 ${family} --switch`,
		},
		"the end of the old key": {
			before: [...prepared, `rotate 0 ${family} --switch`],
			line: `cli_service rotate 0 ${family} --finish --force`,
		},
		"set of another local end": {
			before: tunnels,
			line: `cli_tunnel ${setTunnel(family, 6090)}`,
		},
		"del of a tunnel": {
			before: tunnels,
			line: `cli_tunnel del ${family} --force`,
		},
		"set of other flags": {
			before: [setFlags("proxy,snat,fib")],
			line: `cli_cfg ${setFlags("proxy,snat")}`,
		},
	};
}

/** Both families on both paths. */
const variants = (["-fast", "+fast"] as const).flatMap((flag) =>
	families.map((family) => ({ flag, family })),
);

/** A gateway and a node with two services of each family, and datagrams for all. */
async function site(t: ExecutionContext) {
	const net = await network(t);
	const { client, gateway, core, node } = net;
	await configure(net);
	for (const family of families) await tunnel(net, family);
	for (const host of [gateway, node]) await clis(host, "cli_service", started);
	await echoes(node, FIRST, 2);
	await echoes(node, 30_000, 1);
	const seen = [await watch(core), await watch(client)] as const;
	const flows = await Promise.all(
		families.map((family) =>
			startFlow(client, addresses[family].proxy, FIRST, 2, 2000),
		),
	);
	return {
		...net,
		flows,
		inClear: () => Promise.all(seen.map((read) => read())),
		setPath: (flag: string) => cli(gateway, `cli_cfg set 0 ${flag}`),
	};
}

/** Whether datagrams of both families are answered, within half a minute. */
async function works(flows: Awaited<ReturnType<typeof site>>["flows"]) {
	const look = () => Promise.all(flows.map((flow) => flow.look()));
	const before = await look();
	for (let looks = 0; looks < 100; looks++) {
		await setTimeout(300);
		const after = await look();
		if (after.every(({ answered }, i) => answered > (before[i]?.answered ?? 0)))
			return true;
	}
	return false;
}

bpfTest(
	"no packet leaves in the clear while commands change tables, whenever they are killed",
	async (t) => {
		const { gateway, flows, inClear, setPath } = await site(t);
		// Each kill is of one family on one path, the next of another.
		let kills = 0;
		let tried = 0;
		let path = "-fast";
		for (const [title, { before, line }] of Object.entries(changesOf(4))) {
			const [program = ""] = line.split(" ", 1);
			await clis(gateway, program, before);
			for (const call of await writes(gateway, line)) {
				const variant = variants[tried++ % variants.length];
				if (!variant) throw new Error("no variant");
				const { flag, family } = variant;
				if (flag !== path) await setPath(flag);
				path = flag;
				const change = changesOf(family)[title] ?? { before, line };
				await clis(gateway, program, change.before);
				// How many calls there are depends on the counters that traffic has made.
				if (await killedAt(gateway, change.line, call)) kills++;
				t.deepEqual(
					await inClear(),
					[0, 0],
					`${title}, killed at ${call}, IPv${family} ${flag}`,
				);
			}
			await clis(gateway, program, before);
			t.deepEqual(await inClear(), [0, 0], title);
		}
		const nodes = families.map(
			(family) =>
				`${family === 4 ? "ip" : "ip6"} daddr ${addresses[family].node} counter`,
		);
		const forwarded = await count(gateway, "forward", nodes);
		for (const flag of ["-fast", "+fast"]) {
			await setPath(flag);
			await setTimeout(200);
			const start = await forwarded();
			t.true(await works(flows), `the services work as before, ${flag}`);
			t.is((await forwarded()) > start, flag === "-fast", flag);
		}
		t.true(kills > tried / 2);
		t.log(
			{ tried, kills },
			await Promise.all(flows.map((flow) => flow.stop())),
		);
		t.deepEqual(await inClear(), [0, 0]);
	},
);

bpfTest(
	"no packet leaves in the clear while programs are attached and detached",
	async (t) => {
		const { gateway, node, flows, inClear, setPath } = await site(t);
		const ofGateway = [
			"reattach_tc lan",
			"reattach_tc wan",
			"detach_tc lan ingress",
			"detach_tc wan ingress",
			"detach_tc lan egress",
			"detach_tc wan egress",
			"attach_tc lan egress",
			"attach_tc wan egress",
			"attach_tc lan ingress",
			"attach_tc wan ingress",
		];
		const ofNode = [
			"reattach_tc eth0",
			"detach_tc eth0 ingress",
			"detach_tc eth0 egress",
			"attach_tc eth0",
		];
		const step = async (host: Host, line: string, flag = "") => {
			const [name = "", ...args] = line.split(" ");
			await host.run(script(name), args);
			t.deepEqual(await inClear(), [0, 0], `${line} ${flag}`);
		};
		for (const flag of ["-fast", "+fast"]) {
			await setPath(flag);
			for (const line of ofGateway) await step(gateway, line, flag);
			t.true(await works(flows), flag);
		}
		for (const line of ofNode) {
			await step(node, line);
			// For the answers need egress.
			await queuesEmpty(node);
		}
		t.true(await works(flows));
		for (const flow of flows) await flow.stop();
		t.deepEqual(await inClear(), [0, 0]);
	},
);
