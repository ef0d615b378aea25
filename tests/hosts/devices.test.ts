// Needs root and BPF: real traffic through a tunnel over every kind of device.
import { execFileSync } from "node:child_process";
import path from "node:path";
import { type Host, needs, testbed, testWith } from "@sluice/testbed";
import test, { type ExecutionContext } from "ava";
import { cli } from "../helpers/cli.js";
import { counterOf, crossed } from "../helpers/counters.js";
import { dumped } from "../helpers/dump.js";
import { families, inNetwork } from "../helpers/network.js";
import { ownDirectory } from "../helpers/own-directory.js";
import { script } from "../helpers/paths.js";
import { configure, serve, tunnel } from "../helpers/program.js";
import { PINS } from "../helpers/scripts.js";
import { tcxTest } from "../helpers/tcx.js";
import {
	askHttp,
	askUdp,
	backend,
	bufferFull,
	startLoad,
} from "../helpers/traffic.js";

const bpfTest = testWith(test.serial, needs.root, needs.bpf);

const address = {
	4: { gateway: "10.2.0.1", node: "10.2.0.2", proxy: "10.9.0.1" },
	6: { gateway: "fd02::1", node: "fd02::2", proxy: "fd09::1" },
} as const;

/** Both ends of the link between gateway and node. */
type Ends = { gateway: Host; node: Host };

/** Makes the link. Returns the device at each end that has the address, and the one that the programs are on. */
type Kind = (
	t: ExecutionContext,
	ends: Ends,
	cable: (name: string, mtu?: number) => Promise<unknown>,
) => Promise<{ device: string; hook: string }>;

const ip = (host: Host, lines: string) =>
	host.run("ip", ["-batch", "-"], { input: lines });

/** A pair of tun devices with this name. */
async function tunPair(
	t: ExecutionContext,
	{ gateway, node }: Ends,
	name: string,
): Promise<void> {
	const program = path.join(ownDirectory(t), "tun_cable");
	execFileSync("clang", [
		...["-O2", "-o", program],
		path.join(import.meta.dirname, "fixtures/tun_cable.c"),
	]);
	const relay = gateway.spawn(program, [
		...[String(gateway.pid), name, String(node.pid), name],
	]);
	await relay.ready(/ready/);
	// The queue holds what comes while the relay waits for a CPU, for seconds.
	for (const host of [gateway, node])
		await ip(host, `link set ${name} txqueuelen 10000 up`);
}

const kinds: Record<string, Kind> = {
	"MTU 9000": async (_t, _ends, cable) => {
		await cable("wan", 9000);
		return { device: "wan", hook: "wan" };
	},
	"a bridge's port": async (_t, { gateway, node }, cable) => {
		await cable("port");
		for (const host of [gateway, node])
			await ip(
				host,
				`link add name wan type bridge
				link set port master wan
				link set wan up`,
			);
		return { device: "wan", hook: "port" };
	},
	macvlan: async (_t, { gateway, node }, cable) => {
		await cable("parent");
		for (const host of [gateway, node])
			await ip(
				host,
				`link add link parent name wan type macvlan mode bridge
				link set wan up`,
			);
		return { device: "wan", hook: "wan" };
	},
	tun: async (t, ends) => {
		await tunPair(t, ends, "wan");
		return { device: "wan", hook: "wan" };
	},
};

/** Client, gateway and node, with the link between the latter of one kind. */
async function over(
	t: ExecutionContext,
	kind: Kind,
	{ mtu = 1500, tcx = false } = {},
) {
	t.timeout(300_000);
	const bed = testbed(t);
	const client = await bed.host("client");
	const gateway = await bed.router("gateway");
	const node = await bed.host("node");
	await bed.link(
		{ host: client, name: "eth0", addresses: inNetwork(1, 2) },
		{ host: gateway, name: "lan", addresses: inNetwork(1, 1) },
		{ mtu },
	);
	await client.route("default", "10.1.0.1");
	await client.route("default", "fd01::1");
	const { device, hook } = await kind(
		t,
		{ gateway, node },
		(name, mtu = 1500) =>
			bed.link({ host: gateway, name }, { host: node, name }, { mtu }),
	);
	for (const [host, end] of [
		[gateway, "gateway"],
		[node, "node"],
	] as const)
		await ip(
			host,
			`address add ${address[4][end]}/24 dev ${device}
			address add ${address[6][end]}/64 dev ${device} nodad`,
		);
	await node.route("default", address[4].gateway);
	await node.route("default", address[6].gateway);
	for (const [host, name] of [
		[gateway, "lan"],
		[gateway, hook],
		[node, hook],
	] as const)
		await host.run(script("attach_tc"), [name, ...(tcx ? ["--tcx"] : [])]);
	await configure({ gateway, node });
	for (const family of families) {
		const at = address[family];
		await tunnel({ gateway, node }, family, at);
		await serve([gateway, node], { inside: family, group: family, at });
	}
	await backend(node, { http: 80, udp: 90, tcp: 70 });
	return { bed, client, gateway, node, hook };
}

for (const [name, kind] of Object.entries(kinds))
	bpfTest(`TCP and UDP of every size cross ${name}`, async (t) => {
		const mtu = name === "MTU 9000" ? 9000 : 1500;
		const { client, gateway, node } = await over(t, kind, { mtu });

		for (const family of families) {
			const { proxy } = address[family];
			await t.notThrowsAsync(askHttp(client, proxy, 80, 500_000), `${family}`);
			await t.notThrowsAsync(
				askUdp(client, proxy, 90, [1, 1400, 1472, 9000, 65_507]),
				`${family}`,
			);
			const { ingress, egress } = await crossed(gateway, family);
			t.true(egress.bytes > 500_000n && ingress.bytes > 500_000n);
		}
		for (const host of [gateway, node])
			t.is(await counterOf(host, "ingress", "malformed"), 0);
	});

/** Tunnel traffic on the fast path: what the stack forwards are fragments and what is too big. */
const fastKinds: Record<string, Kind> = {
	Ethernet: async (_t, _ends, cable) => {
		await cable("wan");
		return { device: "wan", hook: "wan" };
	},
	tun: kinds.tun as Kind,
};

for (const [name, kind, tcx] of [
	["Ethernet", fastKinds.Ethernet as Kind, false],
	["tun", fastKinds.tun as Kind, false],
	["tun by tcx", fastKinds.tun as Kind, true],
] as const)
	(tcx ? tcxTest : bpfTest)(
		`TCP and UDP cross ${name} on the fast path, past netfilter`,
		async (t) => {
			const { client, gateway } = await over(t, kind, { tcx });
			await cli(gateway, "cli_cfg set 0 1 gue,dnat,fast gateway");
			await gateway.run("nft", ["-f", "-"], {
				input: `table inet watch {
					chain seen {
						type filter hook forward priority 0
						meta l4proto tcp counter
					}
				}`,
			});
			const forwarded = async () => {
				const { stdout } = await gateway.run("nft", [
					"list",
					"table",
					"inet",
					"watch",
				]);
				return Number(stdout.match(/bytes (\d+)/)?.[1]);
			};
			for (const family of families) {
				const { proxy } = address[family];
				const before = await crossed(gateway, family);
				const seen = await forwarded();
				await askHttp(client, proxy, 80, 2_000_000);
				// The neighbours must be found first, by the stack.
				t.true((await forwarded()) - seen < 200_000, `${family}`);
				const { ingress, egress } = await crossed(gateway, family);
				t.true(egress.bytes - before.egress.bytes > 2_000_000n);
				t.true(ingress.bytes - before.ingress.bytes > 2_000_000n);
				await askUdp(client, proxy, 90, [1, 1400, 1472, 9000, 65_507]);
			}
			const explained = await cli(
				gateway,
				"cli_explain --dev lan --dir ingress --proto tcp 10.1.0.2:4000 10.9.0.1:80",
			);
			t.regex(
				explained.stdout,
				/outcome {2}dnat: .*the fast path\nverdict {2}REDIRECT/,
			);
			// IPv6 that does not fit is answered.
			const outcomes = ["encapsulated", "too-big"] as const;
			const [sent = 0, answered = 0] = await Promise.all(
				outcomes.map((outcome) => counterOf(gateway, "egress", outcome)),
			);
			t.is(await counterOf(gateway, "ingress", "dnat"), sent + answered);
		},
	);

/** Where the inner packets are routed: to a device that is of the other kind than the tunnel's, whose other end is the same host. */
for (const [name, kind] of Object.entries(fastKinds))
	bpfTest(
		`packets that are routed to the other kind of device leave by the tunnel's over ${name}`,
		async (t) => {
			const { bed, client, gateway, node } = await over(t, kind);
			if (name === "tun")
				await bed.link(
					{ host: gateway, name: "other" },
					{ host: node, name: "other" },
				);
			else await tunPair(t, { gateway, node }, "other");
			await ip(
				gateway,
				`address add 10.6.0.1/24 dev other
				address add fd06::1/64 dev other nodad
				route add 10.7.0.2 via 10.6.0.2
				route add fd07::2 via fd06::2`,
			);
			await ip(
				node,
				`address add 10.6.0.2/24 dev other
				address add fd06::2/64 dev other nodad
				address add 10.7.0.2 dev lo
				address add fd07::2 dev lo nodad
				route add 10.1.0.0/24 via 10.6.0.1 src 10.7.0.2
				route add fd01::/64 via fd06::1 src fd07::2`,
			);
			for (const host of [gateway, node])
				await host.run(script("attach_tc"), ["other"]);
			for (const family of families) {
				const { proxy } = address[family];
				const behind = family === 4 ? "10.7.0.2" : "fd07::2";
				for (const host of [gateway, node]) {
					await cli(
						host,
						`cli_service set 3 ${family} tcp ${proxy} 81 ${behind} 80 ${family} key`,
					);
					await cli(
						host,
						`cli_service set 4 ${family} udp ${proxy} 91 ${behind} 90 ${family} key`,
					);
				}
				for (const flags of ["gue,dnat", "gue,dnat,fast"]) {
					await cli(gateway, `cli_cfg set 0 1 ${flags} gateway`);
					await t.notThrowsAsync(askHttp(client, proxy, 81, 200_000), flags);
					await t.notThrowsAsync(
						askUdp(client, proxy, 91, [1, 1400, 9000]),
						flags,
					);
				}
			}
			for (const host of [gateway, node]) {
				const { stdout } = await host.run("ip", [
					...["-json", "-statistics", "link", "show", "other"],
				]);
				const [{ stats64 }] = JSON.parse(stdout);
				// Neighbours are looked for.
				t.true(stats64.rx.bytes < 10_000, `${stats64.rx.bytes}`);
			}
		},
	);

bpfTest(
	"a device without Ethernet: cli_explain, a ping that is learned, dump",
	async (t) => {
		const { gateway, node } = await over(t, kinds.tun as Kind);
		const at = async (host: Host, line: string) =>
			(await cli(host, `cli_explain --dev wan --proto tcp ${line}`)).stdout;

		t.regex(
			await at(gateway, "--dir egress 10.1.0.2:4000 10.2.0.2:80"),
			/program .*pfc_egress_l3_tc\.o\n[\s\S]*outcome {2}encapsulated/,
		);
		t.regex(
			await at(node, "--dir ingress --gue 1,4 10.1.0.2:4000 10.2.0.2:80"),
			/program .*pfc_ingress_l3_tc\.o\n[\s\S]*outcome {2}decapsulated/,
		);

		await cli(gateway, "cli_cfg set wan 0 1 gue,dnat,dump gateway");
		await cli(gateway, "cli_tunnel set 4 10.2.0.1 6080 0 0 --reset-remote");
		const file = await dumped(t, gateway, () =>
			cli(node, "cli_tunnel ping 4 --count 1"),
		);
		const captured = await gateway.run("tshark", [
			...["-r", file, "-T", "fields"],
			...["-e", "frame.protocols", "-e", "ip.src"],
		]);
		t.regex(captured.stdout, /^raw:ip:udp:\S+\t10\.2\.0\.2\n/);
		const { stdout } = await cli(gateway, "cli_tunnel get 4");
		t.regex(stdout, /10\.2\.0\.2:6080\s+learned/);
	},
);

bpfTest(
	"programs and tables are replaced on devices with and without Ethernet, under load: nothing is lost",
	async (t) => {
		const { client, gateway, node } = await over(t, kinds.tun as Kind);
		const { proxy, node: backend } = address[4];
		for (const host of [gateway, node])
			await cli(
				host,
				`cli_service set 3 4 tcp ${proxy} 70 ${backend} 70 4 key`,
			);
		const load = await startLoad(client, proxy, { tcp: 70, udp: 90 });
		for (const host of [gateway, node]) {
			await host.run(script("reattach_tc"), ["--migrate", "--entries", "6000"]);
			// The object defines another size than the tables have now.
			await host.run(script("reattach_tc"), ["wan"]);
		}
		const { tcp, udp } = await load.stop();
		t.true(tcp.sent > 100);
		t.is(tcp.answered, tcp.sent);
		const full = (await bufferFull(client)) + (await bufferFull(node));
		t.is(udp.answered + full, udp.sent);
		for (const host of [gateway, node])
			t.is(await counterOf(host, "ingress", "malformed"), 0);
		const { stdout } = await gateway.run("bpftool", [
			...["map", "show", "pinned", `${PINS}/map_tunnel`],
		]);
		t.regex(stdout, /max_entries 6000/);
	},
);

async function linkOf(host: Host, name: string) {
	const { stdout } = await host.run("ip", [
		...["-json", "link", "show", "dev", name],
	]);
	const [{ ifindex, address }] = JSON.parse(stdout);
	return { index: ifindex as number, mac: address.replaceAll(":", "") };
}

bpfTest(
	"a tagged frame on the parent interface passes untouched",
	async (t) => {
		const { client, gateway, node } = await over(t, kinds["MTU 9000"] as Kind);
		const [lan, eth0] = await Promise.all([
			linkOf(gateway, "lan"),
			linkOf(client, "eth0"),
		]);
		// A UDP request of one byte to the proxy, without a checksum.
		const packet =
			"4500001d000000004011" +
			"66c4" +
			"0a010002" +
			"0a090001" +
			"0fa0005a0009000041";
		const send = (tag: string) =>
			client.run("perl", [
				"-e",
				'socket(S, 17, 3, 0) and send(S, pack("H*", $ARGV[0]), 0, pack("SnlSCCa8", 17, 0, $ARGV[1], 0, 0, 0, "")) or die $!',
				`${lan.mac}${eth0.mac}8100${tag}0800${packet}`,
				String(eth0.index),
			]);

		await send("0064");
		t.is(await counterOf(gateway, "ingress", "vlan"), 1);
		t.is(await counterOf(gateway, "ingress", "dnat"), 0);

		// A priority tag is no VLAN.
		await send("6000");
		t.is(await counterOf(gateway, "ingress", "vlan"), 1);
		// The answer of a closed port is translated as well.
		t.true((await counterOf(gateway, "ingress", "dnat")) >= 1);

		// It ends with its link, on the fast path as on the normal one.
		await cli(gateway, "cli_cfg set 0 1 gue,dnat,fast gateway");
		await askUdp(client, address[4].proxy, 90, [1]);
		const capture = node.spawn("tcpdump", ["-lnei", "wan", "udp or vlan"]);
		await capture.ready(/listening/, "stderr");
		await send("6000");
		const [line] = await capture.ready(/.*\.6080: .*/);
		t.notRegex(line, /vlan/);
		await capture.stop();
	},
);
