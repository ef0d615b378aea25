// Needs root and BPF: real traffic to a backend in a container.
import { type Host, needs, testbed, testWith } from "@sluice/testbed";
import test from "ava";
import { cli, clis } from "../helpers/cli.js";
import { counterOf } from "../helpers/counters.js";
import { families } from "../helpers/network.js";
import { script } from "../helpers/paths.js";
import { configure } from "../helpers/program.js";
import { askHttp, askUdp, backend } from "../helpers/traffic.js";

const bpfTest = testWith(test.serial, needs.root, needs.bpf);

const address = {
	4: {
		gateway: "10.2.0.1",
		node: "10.2.0.2",
		inside: "10.4.0.2",
		proxy: "10.9.0.1",
	},
	6: {
		gateway: "fd02::1",
		node: "fd02::2",
		inside: "fd04::2",
		proxy: "fd09::1",
	},
} as const;

/** Bytes of TCP to the backend's port that the host has forwarded. */
async function forwarded(host: Host): Promise<number> {
	const { stdout } = await host.run("nft", ["list", "table", "inet", "watch"]);
	return Number(stdout.match(/bytes (\d+)/)?.[1]);
}

bpfTest(
	"a backend behind a veth gets its packets past the node's stack",
	async (t) => {
		t.timeout(300_000);
		const bed = testbed(t);
		const [client, gateway, node, container] = await Promise.all([
			bed.host("client"),
			bed.router("gateway"),
			bed.router("node"),
			bed.host("container"),
		]);
		const net = (number: number, host: number) => [
			`10.${number}.0.${host}/24`,
			`fd0${number}::${host}/64`,
		];
		await bed.link(
			{ host: client, name: "eth0", addresses: net(1, 2) },
			{ host: gateway, name: "lan", addresses: net(1, 1) },
		);
		await bed.link(
			{ host: gateway, name: "wan", addresses: net(2, 1) },
			{ host: node, name: "wan", addresses: net(2, 2) },
		);
		await bed.link(
			{ host: node, name: "veth0", addresses: net(4, 1) },
			{ host: container, name: "eth0", addresses: net(4, 2) },
		);
		for (const [host, via] of [
			[client, ["10.1.0.1", "fd01::1"]],
			[gateway, ["10.2.0.2", "fd02::2"]],
			[node, ["10.2.0.1", "fd02::1"]],
			[container, ["10.4.0.1", "fd04::1"]],
		] as const)
			for (const router of via) await host.route("default", router);
		await node.run("nft", ["-f", "-"], {
			input: `table inet watch {
				chain seen {
					type filter hook forward priority 0
					tcp dport 80 counter
				}
			}`,
		});
		for (const [host, device] of [
			[gateway, "lan"],
			[gateway, "wan"],
			[node, "wan"],
		] as const)
			await host.run(script("attach_tc"), [device]);
		await configure({ gateway, node });
		for (const family of families) {
			const a = address[family];
			for (const [host, near, far] of [
				[gateway, a.gateway, a.node],
				[node, a.node, a.gateway],
			] as const) {
				await cli(host, `cli_tunnel set ${family} ${near} 6080 ${far} 6080`);
				await clis(host, "cli_service", [
					`set 1 ${family} tcp ${a.proxy} 80 ${a.inside} 80 ${family} key`,
					`set 2 ${family} udp ${a.proxy} 90 ${a.inside} 90 ${family} key`,
				]);
			}
		}
		await backend(container, { http: 80, udp: 90 });
		const works = async () => {
			const before = await forwarded(node);
			for (const family of families) {
				await askHttp(client, address[family].proxy, 80, 1_000_000);
				await askUdp(client, address[family].proxy, 90, [1, 1400, 4000]);
			}
			return (await forwarded(node)) - before;
		};

		t.true((await works()) > 2_000_000, "the stack forwards uploads");
		await cli(node, "cli_cfg set 0 2 gue,peer node");
		t.true((await works()) > 2_000_000, "the veth has no row of its own");
		await cli(node, "cli_cfg set veth0 1 2 fib,peer web");
		t.true((await works()) < 100_000, "uploads go past the stack");
		t.is(await counterOf(node, "ingress", "decap-failed"), 0);
	},
);
