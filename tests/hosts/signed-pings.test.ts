// Needs root and BPF: signed pings between hosts, and what an attacker makes of them.

import { nanosecondsTai } from "@sluice/maps";
import { Address } from "@sluice/maps/address";
import { type Host, needs, testWith } from "@sluice/testbed";
import { guePing, readAnswer, signedPing } from "@sluice/tunnel/wire";
import test, { type ExecutionContext } from "ava";
import { cli, clis } from "../helpers/cli.js";
import { counterOf, crossed } from "../helpers/counters.js";
import { exchange } from "../helpers/datagrams.js";
import {
	addresses,
	type Family,
	type Network,
	network,
} from "../helpers/network.js";
import { configure } from "../helpers/program.js";
import { askHttp, askUdp, backend } from "../helpers/traffic.js";

const bpfTest = testWith(test.serial, needs.root, needs.bpf);

const KEY = "signing-key";
const key = Buffer.from(KEY.padEnd(16, "\0"));
const sid = { service: 1, group: 1 };

/** A tunnel whose far end the gateway learns, and a service that signs. The tunnel's id is the family. */
async function signing(
	t: ExecutionContext,
	{ nat = false, family = 4 as Family, gatewayOptions = "" } = {},
): Promise<Network> {
	const net = await network(t, { nat });
	const { gateway, node } = net;
	const a = addresses[family];
	await configure(net);
	await clis(gateway, "cli_tunnel", [`set ${family} ${a.gateway} 6080 0 0`]);
	await clis(node, "cli_tunnel", [
		`set ${family} ${a.node} 6080 ${a.gateway} 6080`,
	]);
	const set = (options: string) =>
		`set ${options} --signing-key ${KEY} 1 1 udp ${a.proxy} 90 ${a.node} 90 ${family}`;
	await clis(gateway, "cli_service", [set(gatewayOptions)]);
	await clis(node, "cli_service", [set("")]);
	await backend(node, { http: 80, udp: 90 });
	return net;
}

const remoteOf = async (gateway: Host, id = 4) => {
	const { stdout } = await cli(gateway, `cli_tunnel get ${id} --json`);
	const { remote } = JSON.parse(stdout).tunnels[0];
	return remote && `${remote.address} ${remote.port}`;
};

/** Sends UDP payloads to the gateway's tunnel, and returns the answers. */
const send = (from: Host, payloads: readonly Buffer[]) =>
	exchange(from, payloads, {
		address: Address.of(addresses[4].gateway),
		port: 6080,
	});

for (const family of [4, 6] as const)
	for (const nat of family === 4 ? [false, true] : [false])
		bpfTest(
			`a signed ping is challenged, moves the far end, and is answered: IPv${family}${nat ? " behind a NAT" : ""}`,
			async (t) => {
				const net = await signing(t, { nat, family });
				const { gateway, node, client } = net;
				const a = addresses[family];
				const { stdout } = await cli(
					node,
					// The second goes when the answers to the first have long been there.
					`cli_tunnel ping ${family} --count 2 --interval 3 --json`,
				);
				const lines = stdout
					.trim()
					.split("\n")
					.map((line) => JSON.parse(line));
				const seen = nat ? a.nat : a.node;
				t.like(lines[0], { number: 1, answered: true, result: "moved" });
				t.like(lines[1], { number: 2, answered: true, result: "heard" });
				t.is(lines[1].seenAs.address, seen);
				t.deepEqual(lines[2], { sent: 2, answered: 2 });
				t.regex(await remoteOf(gateway, family), new RegExp(`^${seen} `));
				t.deepEqual(
					[
						await counterOf(gateway, "ingress", "ping-challenged"),
						await counterOf(gateway, "ingress", "ping-signed-learned"),
						await counterOf(gateway, "ingress", "ping-signed"),
						await counterOf(node, "ingress", "ping-answer"),
					],
					[1, 1, 1, 3],
				);
				// The packets have the derived key.
				await askUdp(client, a.proxy, 90, [100, 1400]);
			},
		);

bpfTest("a recorded or relayed ping moves nothing", async (t) => {
	const net = await signing(t);
	const { gateway, node, client } = net;
	const attacker = client;
	await cli(node, "cli_tunnel ping 4 --count 1");
	const real = `${addresses[4].node} 6080`;
	t.is(await remoteOf(gateway), real);

	// A copy of a ping that the gateway has not seen yet: answered with a challenge, which the copy cannot sign.
	const time = nanosecondsTai();
	const ping = signedPing({ sid, key, tunnel: 4, time });
	const [answer] = await send(attacker, [ping]);
	t.is(answer?.length, ping.length);
	t.is(readAnswer(answer as Buffer, () => key)?.result, "challenged");
	t.is(await remoteOf(gateway), real);
	t.is(await counterOf(gateway, "ingress", "ping-signed-learned"), 1);

	// The node's own ping of the same time is still heard, after which the copy is too old.
	const before = await counterOf(gateway, "ingress", "ping-signed");
	await cli(node, "cli_tunnel ping 4 --count 1");
	t.is(await counterOf(gateway, "ingress", "ping-signed"), before + 1);
	t.deepEqual(await send(attacker, [ping, ping]), []);
	t.is(await counterOf(gateway, "ingress", "ping-time"), 2);

	// Forged, too old, too new; one bit of the time changed; a challenge that was made up.
	const second = 1_000_000_000n;
	const now = nanosecondsTai();
	const changed = Buffer.from(signedPing({ sid, key, tunnel: 4, time: now }));
	changed[35] = (changed[35] as number) ^ 1;
	t.deepEqual(
		await send(attacker, [
			signedPing({ sid, key: Buffer.alloc(16, 1), tunnel: 4, time: now }),
			changed,
			signedPing({ sid, key, tunnel: 4, time: now - 61n * second }),
			signedPing({ sid, key, tunnel: 4, time: now + 65n * second }),
			signedPing({ sid, key, tunnel: 5, time: now }),
		]),
		[],
	);
	t.is(await counterOf(gateway, "ingress", "ping-mac"), 2);
	t.is(await counterOf(gateway, "ingress", "ping-time"), 4);
	t.is(await counterOf(gateway, "ingress", "ping-tunnel"), 1);
	const [guessed] = await send(attacker, [
		signedPing({ sid, key, tunnel: 4, time: nanosecondsTai(), challenge: 7n }),
	]);
	t.is(readAnswer(guessed as Buffer, () => key)?.result, "challenged");
	t.is(await remoteOf(gateway), real);
	// None of them has left a row behind: the one is the node's.
	const { stdout } = await gateway.run("bpftool", [
		...["--json", "map", "dump", "pinned"],
		"/sys/fs/bpf/tc/globals/map_ping_time",
	]);
	t.is(JSON.parse(stdout).length, 1);
	// The two that the node sent, and that were heard, are counted as its tunnel's.
	t.is((await crossed(gateway, 4)).ingress.packets, 2n);
});

bpfTest(
	"pings that are not signed are counted apart, refused where they must be signed, and held back by locks",
	async (t) => {
		const net = await signing(t);
		const { gateway, node, client } = net;
		const attacker = client;
		const { stdout } = await cli(
			node,
			"cli_service get 1 1 --show-keys --json",
		);
		const [service] = JSON.parse(stdout).services;
		const old = guePing(4, {
			sid,
			key: Buffer.from(service.key.slice("hex:".length), "hex"),
		});
		const here = `${addresses[4].client} 6080`;
		const real = `${addresses[4].node} 6080`;
		await send(attacker, [old]);
		t.is(await remoteOf(gateway), here);
		t.is(await counterOf(gateway, "ingress", "ping-learned"), 1);
		await cli(node, "cli_tunnel ping 4 --count 1");
		t.is(await remoteOf(gateway), real);

		const a = addresses[4];
		for (const [options, refused] of [
			["--move-after 30", true],
			["--move-after never", true],
			["--move-within 10.3.0.0/16", true],
			["--move-within 10.0.0.0/8", false],
		] as const) {
			await cli(
				gateway,
				`cli_tunnel set ${options} 4 ${a.gateway} 6080 ${a.node} 6080`,
			);
			await cli(node, "cli_tunnel ping 4 --count 1");
			await send(attacker, [old]);
			t.is(await remoteOf(gateway), refused ? real : here, options);
		}
		t.is(await counterOf(gateway, "ingress", "ping-locked"), 3);

		await cli(gateway, `cli_tunnel set 4 ${a.gateway} 6080 0 0`);
		await cli(
			gateway,
			`cli_service set --require-signed --signing-key ${KEY} 1 1 udp ${a.proxy} 90 ${a.node} 90 4`,
		);
		await cli(node, "cli_tunnel ping 4 --count 1");
		t.is(await remoteOf(gateway), real);
		await send(attacker, [old]);
		t.is(await counterOf(gateway, "ingress", "ping-unsigned"), 1);
		// Nor may an open ping, of the same tunnel.
		await cli(gateway, "cli_cfg set 0 1 gue,dnat,open-ping gateway");
		await send(attacker, [guePing(4)]);
		t.is(await counterOf(gateway, "ingress", "ping-unsigned"), 2);
		t.is(await remoteOf(gateway), real);
	},
);

for (const family of [4, 6] as const)
	bpfTest(
		`padded pings measure a path whose ICMP errors are lost, IPv${family}`,
		async (t) => {
			const net = await signing(t, { family });
			const { client, core, gateway, node, links } = net;
			const a = addresses[family];
			const width = family === 4 ? 1300 : 1400;
			for (const host of [gateway, node])
				await cli(
					host,
					`cli_service set --signing-key ${KEY} 2 1 tcp ${a.proxy} 80 ${a.node} 80 ${family}`,
				);
			const end = links[3]?.ends.find(({ host }) => host === core);
			await core.run("ip", ["link", "set", end?.name ?? "", "mtu", `${width}`]);
			await core.run("nft", ["-f", "-"], {
				input: `table inet t {
					chain output {
						type filter hook output priority 0;
						icmp type destination-unreachable drop
						icmpv6 type packet-too-big drop
					}
				}`,
			});
			for (const host of [node, gateway]) {
				const { stdout } = await cli(
					host,
					`cli_tunnel ping ${family} --count 1 --mtu --json`,
				);
				const lines = stdout
					.trim()
					.split("\n")
					.map((line) => JSON.parse(line));
				t.like(lines[1], { tunnel: family, pathMtu: width }, host.name);
				const { stdout: row } = await cli(host, `cli_tunnel get ${family}`);
				t.regex(row, new RegExp(`path MTU ${width}\n`));
			}
			await t.notThrowsAsync(askHttp(client, a.proxy, 80, 200_000));
		},
	);
