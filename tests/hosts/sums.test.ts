// Needs root and BPF: the sum over a packet that a card makes (CHECKSUM_COMPLETE), which the kernel makes here for VXLAN.
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { type Host, needs, testbed, testWith } from "@sluice/testbed";
import test, { type ExecutionContext } from "ava";
import { bin, cli, clis } from "../helpers/cli.js";
import { compile } from "../helpers/compile.js";
import { type Family, families } from "../helpers/network.js";
import { ownDirectory } from "../helpers/own-directory.js";
import { script } from "../helpers/paths.js";
import { configure } from "../helpers/program.js";
import { askHttp, askUdp, backend } from "../helpers/traffic.js";

const bpfTest = testWith(test.serial, needs.root, needs.bpf);

const address = {
	4: { gateway: "10.2.0.1", node: "10.2.0.2", proxy: "10.9.0.1" },
	6: { gateway: "fd02::1", node: "fd02::2", proxy: "fd09::1" },
} as const;

/** A VXLAN device `name` at both hosts, whose packets come with their sum, as host 1 and 2 of a network. */
async function vxlan(
	bed: Awaited<ReturnType<typeof testbed>>,
	[first, second]: readonly [Host, Host],
	name: string,
	network: number,
): Promise<void> {
	const ends = [first, second].map((host, i) => ({
		host,
		name: `${name}-under`,
		addresses: [`10.8.${network}.${i + 1}/24`],
	}));
	await bed.link(ends[0] as (typeof ends)[0], ends[1] as (typeof ends)[0], {
		mtu: 1600,
	});
	for (const [i, { host, name: under }] of ends.entries()) {
		await host.run("ethtool", ["-K", under, "tx", "off"]);
		await host.run("ip", ["-batch", "-"], {
			input: `link add ${name} type vxlan id 1 dev ${under} remote 10.8.${network}.${2 - i} dstport 4789 udpcsum
				link set ${name} mtu 1500 up
				address add 10.${network}.0.${i + 1}/24 dev ${name}
				address add fd0${network}::${i + 1}/64 dev ${name} nodad`,
		});
	}
}

async function veth(
	bed: Awaited<ReturnType<typeof testbed>>,
	hosts: readonly [Host, Host],
	name: string,
	network: number,
): Promise<void> {
	const [first, second] = hosts.map((host, i) => ({
		host,
		name,
		addresses: [`10.${network}.0.${i + 1}/24`, `fd0${network}::${i + 1}/64`],
	}));
	if (first && second) await bed.link(first, second);
}

/** Counts what arrives at a device by the kernel's sum, before other filters or behind them. @returns reads the counters */
async function watch(
	t: ExecutionContext,
	host: Host,
	device: string,
	place: "before" | "behind" = "before",
) {
	const map = `${place}_${device}`;
	const object = `${compile(t, "sums.bpf.c", "sums", { define: { sums: map } })}/sums.o`;
	await host.run("tc", ["qdisc", "add", "dev", device, "clsact"], {
		reject: false, // where it is there
	});
	await host.run("tc", [
		...["filter", "add", "dev", device, "ingress"],
		...["pref", place === "before" ? "1" : "65000"],
		...["bpf", "direct-action", "object-file", object, "section", "tc"],
	]);
	return async () => {
		const { stdout } = await host.run("bpftool", [
			...["-j", "map", "dump", "pinned", `/sys/fs/bpf/tc/globals/${map}`],
		]);
		const [none = 0, right = 0, wrong = 0] = JSON.parse(stdout).map(
			(row: { formatted: { value: number } }) => row.formatted.value,
		);
		return { none, right, wrong };
	};
}

for (const side of ["client", "node"] as const)
	bpfTest(
		`packets with a sum from the ${side} have no wrong one behind the fast path`,
		async (t) => {
			t.timeout(300_000);
			const bed = testbed(t);
			const client = await bed.host("client");
			const gateway = await bed.router("gateway");
			const node = await bed.host("node");
			const [lan, wan] = side === "client" ? [vxlan, veth] : [veth, vxlan];
			await lan(bed, [gateway, client], "lan", 1);
			await wan(bed, [gateway, node], "wan", 2);
			for (const [host, network] of [
				[client, 1],
				[node, 2],
			] as const) {
				await host.route("default", `10.${network}.0.1`);
				await host.route("default", `fd0${network}::1`);
			}
			for (const device of ["lan", "wan"])
				await gateway.run(script("attach_tc"), [device]);
			await node.run(script("attach_tc"), ["wan"]);
			await configure({ gateway, node });
			await cli(gateway, "cli_cfg set 0 1 gue,dnat,fast gateway");
			for (const family of families) {
				const { gateway: near, node: far, proxy } = address[family];
				await cli(gateway, `cli_tunnel set ${family} ${near} 6080 ${far} 6080`);
				await cli(node, `cli_tunnel set ${family} ${far} 6080 ${near} 6080`);
				for (const host of [gateway, node])
					await clis(host, "cli_service", [
						`set 1 ${family} tcp ${proxy} 80 ${far} 80 ${family} key`,
						`set 2 ${family} udp ${proxy} 90 ${far} 90 ${family} key`,
					]);
			}
			await backend(node, { http: 80, udp: 90 });
			const [from, to] =
				side === "client"
					? [await watch(t, gateway, "lan"), await watch(t, node, "wan")]
					: [await watch(t, gateway, "wan"), await watch(t, client, "lan")];
			for (const family of families) {
				await askHttp(client, address[family].proxy, 80, 200_000);
				await askUdp(client, address[family].proxy, 90, [100, 1000, 1400]);
			}
			const before = await from();
			t.true(before.right > 20, "there are sums to begin with");
			t.is(before.wrong, 0);
			const { none, wrong } = await to();
			t.true(none > 20);
			t.is(wrong, 0);
		},
	);

/** Where datagrams go, and what is unusual about them. */
type Datagrams = { port: number; size?: number; ttl?: number; sum?: boolean };

/** Sends five datagrams, which may be fragmented. */
const sendUdp = (
	host: Host,
	family: Family,
	to: string,
	{ port, size = 100, ttl = 9, sum = true }: Datagrams,
) =>
	host.run("perl", [
		...["-MSocket=:all", "-e"],
		`my ($family, $to, $port, $size, $ttl, $sum) = @ARGV;
		my $is4 = $family == 4;
		my $type = $is4 ? AF_INET : AF_INET6;
		# IP_TTL, IP_MTU_DISCOVER, IPV6_UNICAST_HOPS and SO_NO_CHECK.
		my @options = $is4 ? ([0, 2, $ttl], [0, 10, 0]) : ([41, 16, $ttl]);
		push @options, [SOL_SOCKET, 11, 1] unless $sum;
		socket(S, $type, SOCK_DGRAM, 0) or die $!;
		setsockopt(S, $_->[0], $_->[1], 0 + $_->[2]) or die $! for @options;
		my $host = inet_pton($type, $to);
		my $at = $is4 ? pack_sockaddr_in($port, $host) : pack_sockaddr_in6($port, $host);
		send(S, "x" x $size, 0, $at) for 1 .. 5;`,
		...[family, to, port, size, ttl, Number(sum)].map(String),
	]);

/** udplb on a device, with an upstream for each key; its upstreams' port is 2000 and the keys' 1001 and on. */
async function balance(
	t: ExecutionContext,
	host: Host,
	device: string,
	keys: readonly {
		key: { address: string; port: number };
		action: "pass" | "block";
		to: string;
	}[],
): Promise<void> {
	const file = path.join(ownDirectory(t), "udplb.json");
	const rows = keys.map(({ key, action, to }) => ({
		key,
		options: { tc_action: action },
		upstream: [{ address: to, port: 2000 }],
	}));
	await writeFile(file, JSON.stringify(rows));
	const program = [bin("udplb"), "-i", device, "-c", file];
	await host.spawn(process.execPath, program).ready(/serving/, "stderr");
}

bpfTest(
	"packets with a sum have no wrong one behind udplb, nor do its answers",
	async (t) => {
		t.timeout(300_000);
		const bed = testbed(t);
		const client = await bed.host("client");
		const box = await bed.router("box");
		const next = await bed.router("next");
		await vxlan(bed, [box, client], "lan", 1);
		await veth(bed, [box, next], "wan", 2);
		// The largest datagrams do not fit.
		await box.run("ip", ["link", "set", "wan", "mtu", "1300"]);
		const [pass, block, local] = [1001, 1002, 1003];
		const ends = (family: Family) => ({
			key: family === 4 ? "10.1.0.1" : "fd01::1",
			here: address[family].gateway,
			there: address[family].node,
		});
		await balance(
			t,
			box,
			"lan",
			families.flatMap((family) => {
				const { key, here, there } = ends(family);
				const on = (port: number) => ({ address: key, port });
				return [
					{ key: on(pass), action: "pass", to: there },
					{ key: on(block), action: "block", to: there },
					{ key: on(local), action: "block", to: here },
				];
			}),
		);
		await balance(
			t,
			next,
			"wan",
			families.map((family) => {
				const { here, there } = ends(family);
				return {
					key: { address: there, port: 2000 },
					action: "block",
					to: here,
				};
			}),
		);
		const before = await watch(t, box, "lan");
		const stays = await watch(t, box, "lan", "behind");
		const sent = await watch(t, next, "wan");
		const answered = await watch(t, box, "wan", "behind");
		for (const family of families) {
			const { key } = ends(family);
			for (const port of [pass, block, local]) {
				await sendUdp(client, family, key, { port });
				// udplb answers here, and on the next machine.
				await sendUdp(client, family, key, { port, ttl: 1 });
				await sendUdp(client, family, key, { port, ttl: 2 });
				await sendUdp(client, family, key, { port, size: 1350 });
				await sendUdp(client, family, key, { port, size: 3000 });
			}
		}
		await sendUdp(client, 4, ends(4).key, { port: pass, sum: false });
		await sendUdp(client, 4, ends(4).key, { port: local, sum: false });
		for (const [count, least] of [
			[before, 150],
			[stays, 80],
			[sent, 20],
		] as const) {
			const { right, wrong } = await count();
			t.true(right > least, `${right}`);
			t.is(wrong, 0);
		}
		const { none, wrong } = await answered();
		t.true(none > 20);
		t.is(wrong, 0);
	},
);
