// Needs root and BPF: the sum over a packet that a card makes (CHECKSUM_COMPLETE), which the kernel makes here for VXLAN.
import { type Host, needs, testbed, testWith } from "@sluice/testbed";
import test, { type ExecutionContext } from "ava";
import { cli, clis } from "../helpers/cli.js";
import { compile } from "../helpers/compile.js";
import { families } from "../helpers/network.js";
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

/** Counts what arrives at a device by the kernel's sum. @returns reads the counters */
async function watch(t: ExecutionContext, host: Host, device: string) {
	const object = `${compile(t, "sums.bpf.c", "sums")}/sums.o`;
	await host.run("tc", ["qdisc", "add", "dev", device, "clsact"], {
		reject: false, // where it is there
	});
	await host.run("tc", [
		...["filter", "add", "dev", device, "ingress", "pref", "1"],
		...["bpf", "direct-action", "object-file", object, "section", "tc"],
	]);
	return async () => {
		const { stdout } = await host.run("bpftool", [
			...["-j", "map", "dump", "pinned", "/sys/fs/bpf/tc/globals/sums"],
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
			const bed = await testbed();
			t.teardown(() => bed.close());
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
