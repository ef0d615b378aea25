// Needs root and BPF: tunnels whose packets carry tokens in place of keys.

import { nanosecondsTai } from "@sluice/maps";
import { Address } from "@sluice/maps/address";
import { type Host, needs, testWith } from "@sluice/testbed";
import { datagram, flowToken, gueData, sentEpoch } from "@sluice/tunnel/wire";
import test, { type ExecutionContext } from "ava";
import { inClear } from "../helpers/clear.js";
import { cli, clis } from "../helpers/cli.js";
import { acrossTunnel, counterOf, quiet } from "../helpers/counters.js";
import { exchange } from "../helpers/datagrams.js";
import { addresses, type Family, network } from "../helpers/network.js";
import { configure } from "../helpers/program.js";
import {
	askHttp,
	askUdp,
	backend,
	echoes,
	startFlow,
} from "../helpers/traffic.js";

const bpfTest = testWith(test.serial, needs.root, needs.bpf);

const KEY = "signing-key";
const key = Buffer.from(KEY.padEnd(16, "\0"));
const UDP = 17;

type Mode = "off" | "accept" | "send" | "require";

/** Sets the token mode of an end's tunnel. */
const mode = (host: Host, family: Family, mode: Mode) => {
	const a = addresses[family];
	const [local, remote] =
		host.name === "gateway" ? [a.gateway, a.node] : [a.node, a.gateway];
	return cli(
		host,
		`cli_tunnel set ${family} ${local} 6080 ${remote} 6080 --token ${mode}`,
	);
};

/** A network with services that sign: 1 (tcp 80), 2 (udp 90), 4 (udp 91), and 3 (udp 99), where nothing listens. */
async function site(t: ExecutionContext, family: Family, first: Mode) {
	const net = await network(t);
	await configure(net);
	const a = addresses[family];
	for (const host of [net.gateway, net.node]) {
		await mode(host, family, first);
		await clis(
			host,
			"cli_service",
			(
				[
					[1, "tcp", 80],
					[2, "udp", 90],
					[3, "udp", 99],
					[4, "udp", 91],
				] as const
			).map(
				([service, protocol, port]) =>
					`set --signing-key ${KEY} ${service} 1 ${protocol} ${a.proxy} ${port} ${a.node} ${port} ${family}`,
			),
		);
	}
	return net;
}

const refusals = async (host: Host) => [
	await counterOf(host, "ingress", "wrong-key"),
	await counterOf(host, "ingress", "token"),
];

for (const family of [4, 6] as const)
	for (const flags of ["gue,dnat", "gue,dnat,fast"])
		bpfTest(
			`TCP, UDP and ICMP go by tokens alone, IPv${family}, ${flags}`,
			async (t) => {
				const net = await site(t, family, "require");
				const { client, gateway, node } = net;
				const { proxy } = addresses[family];
				await cli(gateway, `cli_cfg set 0 1 ${flags} gateway`);
				await backend(node, { http: 80, udp: 90 });
				await askHttp(client, proxy, 80, 1_000_000);
				await askUdp(client, proxy, 90);
				// The backend's "port unreachable" is about the flow, and comes back by its token.
				const { stdout } = await client.run("bash", [
					"-c",
					`exec 3<>/dev/udp/${proxy}/99; while echo x >&3; do sleep 0.1; done; echo refused`,
				]);
				t.is(stdout, "refused");
				t.deepEqual(
					[await refusals(gateway), await refusals(node)],
					[
						[0, 0],
						[0, 0],
					],
				);
				t.true((await counterOf(gateway, "ingress", "decapsulated")) > 0);
			},
		);

bpfTest(
	"a recorded packet is taken in its own flow, and for two epochs at most",
	async (t) => {
		const net = await site(t, 4, "require");
		const { client, node } = net;
		const a = addresses[4];
		await backend(node, { http: 80, udp: 90 });
		const sid = { service: 2, group: 1 };
		// The port that the requests are sent from listens for the answers.
		const source = {
			address: Address.of(a.client),
			port: 6080,
			proto: UDP,
		};
		const destination = {
			address: Address.of(a.node),
			port: 90,
			proto: UDP,
		};
		/** A request to the node, as the gateway would send it. */
		const request = (token: Buffer, sourcePort = source.port) =>
			gueData(
				{ sid, key: token },
				datagram(
					{ address: source.address, port: sourcePort },
					{ address: destination.address, port: destination.port },
					Buffer.from("hello"),
				),
			);
		const epoch = () => sentEpoch(nanosecondsTai());
		const now = epoch();
		const token = (epoch: number) =>
			flowToken(key, sid, { source, destination }, epoch);
		const send = (payloads: readonly Buffer[]) =>
			exchange(client, payloads, {
				address: destination.address,
				port: 6080,
			});
		const taken = () => counterOf(node, "ingress", "decapsulated");

		await send([request(token(now)), request(token(now))]);
		t.is(await taken(), 2, "also where it is recorded and sent again");
		await send([
			request(token(now), 4001),
			request(token(now - 3)),
			request(token(now + 3)),
			request(
				flowToken(key, { service: 1, group: 1 }, { source, destination }, now),
			),
			request(
				flowToken(key, sid, { source: destination, destination: source }, now),
			),
			request(
				flowToken(Buffer.alloc(16, 1), sid, { source, destination }, now),
			),
		]);
		t.is(await taken(), 2);
		t.is(await counterOf(node, "ingress", "token"), 6);
		// Nor does the key of the packets help, though it is right.
		const { stdout } = await cli(
			node,
			"cli_service get 2 1 --show-keys --json",
		);
		const own = JSON.parse(stdout).services[0].key as string;
		const data = Buffer.from(own.slice("hex:".length), "hex");
		await send([request(data)]);
		t.is(await counterOf(node, "ingress", "token"), 7);
		// The next key of a rotation, from the cache, too: its use is counted, and it ends with the rotation.
		await cli(node, "cli_service rotate 2 1 --prepare next");
		const other = flowToken(
			Buffer.from("next".padEnd(16, "\0")),
			sid,
			{ source, destination },
			epoch(),
		);
		await send([request(other), request(other), request(token(epoch()))]);
		t.is(await taken(), 5);
		const { stdout: rotating } = await cli(node, "cli_service get 2 1");
		t.regex(rotating, /ROTATION .*\t2 packets, /);
		await cli(node, "cli_service rotate 2 1 --finish --force");
		await send([request(other)]);
		t.is(await counterOf(node, "ingress", "token"), 8);
		await mode(node, 4, "send");
		await send([request(data)]);
		t.is(await taken(), 6);
		await send([request(Buffer.alloc(16, 7))]);
		t.is(await counterOf(node, "ingress", "wrong-key"), 1);
	},
);

bpfTest(
	"tokens are brought in under load, end by end, and the signing key is rotated, without a loss",
	async (t) => {
		const net = await site(t, 4, "off");
		const { client, gateway, core, node } = net;
		const { proxy } = addresses[4];
		await echoes(node, 90, 2);
		const seen = [await inClear(core), await inClear(client)] as const;
		const flow = await startFlow(client, proxy, 90, 2, 1000);
		for (const next of ["accept", "send", "require"] as const)
			for (const host of [gateway, node]) await mode(host, 4, next);
		for (const step of ["--prepare next", "--switch", "--finish --force"])
			for (const host of [gateway, node])
				await clis(
					host,
					"cli_service",
					[2, 4].map((service) => `rotate ${service} 1 ${step}`),
				);
		const { sent, answered } = await flow.stop();
		await quiet(node);
		const there = await acrossTunnel(gateway, node);
		const back = await acrossTunnel(node, gateway);
		t.log({ sent, answered, there, back });
		t.true(sent > 100 && answered > 0);
		t.true(there.encapsulated >= sent);
		t.is(there.decapsulated, there.encapsulated);
		t.is(back.decapsulated, back.encapsulated);
		t.deepEqual(
			[await refusals(gateway), await refusals(node)],
			[
				[0, 0],
				[0, 0],
			],
		);
		t.deepEqual(await Promise.all(seen.map((count) => count())), [0, 0]);
	},
);
