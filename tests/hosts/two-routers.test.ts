// Needs root and BPF: a narrow link on the tunnel's path that neither end has.
import { type Host, needs, testbed, testWith } from "@sluice/testbed";
import test from "ava";
import { cli, clis } from "../helpers/cli.js";
import { counterOf } from "../helpers/counters.js";
import { inNetwork } from "../helpers/network.js";
import { script } from "../helpers/paths.js";
import { configure } from "../helpers/program.js";
import { askHttp, askUdp, backend } from "../helpers/traffic.js";

const bpfTest = testWith(test.serial, needs.root, needs.bpf);

/** The narrow link is between two routers: neither end of the tunnel has it. */
bpfTest(
	"a router between the ends lowers the tunnel's MTU, both ways",
	async (t) => {
		t.timeout(600_000);
		const bed = testbed(t);
		const names = ["client", "gateway", "first", "second", "node"] as const;
		const hosts = await Promise.all(
			names.map((name) =>
				name === "client" || name === "node"
					? bed.host(name)
					: bed.router(name),
			),
		);
		const [client, gateway, first, second, node] = hosts as [
			...[Host, Host, Host, Host, Host],
		];
		for (const [i, host] of hosts.slice(1).entries()) {
			const left = hosts[i] as Host;
			const narrow = left === first ? { mtu: 1400 } : {};
			await bed.link(
				{ host: left, name: "right", addresses: inNetwork(1 + i, 1) },
				{ host, name: "left", addresses: inNetwork(1 + i, 2) },
				narrow,
			);
		}
		for (const [host, by, at] of [
			[client, 1, 2],
			[gateway, 2, 2],
			[first, 3, 2],
			[second, 3, 1],
			[node, 4, 1],
		] as const)
			for (const via of [`10.${by}.0.${at}`, `fd0${by}::${at}`])
				await host.route("default", via);
		for (const via of ["10.2.0.1", "fd02::1"])
			await first.route(via.includes(":") ? "fd01::/64" : "10.1.0.0/24", via);
		for (const name of ["left", "right"])
			await gateway.run(script("attach_tc"), [name]);
		await node.run(script("attach_tc"), ["left"]);
		await configure({ gateway, node });
		await backend(node, { http: 80, udp: 90 });

		for (const [family, near, far, proxy] of [
			[4, "10.2.0.1", "10.4.0.2", "10.9.0.1"],
			[6, "fd02::1", "fd04::2", "fd09::1"],
		] as const) {
			for (const [host, a, b] of [
				[gateway, near, far],
				[node, far, near],
			] as const) {
				await cli(host, `cli_tunnel set ${family} ${a} 6080 ${b} 6080`);
				await clis(host, "cli_service", [
					`set 1 ${family} tcp ${proxy} 80 ${far} 80 ${family} key`,
					`set 2 ${family} udp ${proxy} 90 ${far} 90 ${family} key`,
				]);
			}
			const reports = () =>
				Promise.all(
					[gateway, node].map((host) => counterOf(host, "ingress", "path-mtu")),
				);
			const before = await reports();

			await t.notThrowsAsync(
				askHttp(client, proxy, 80, 1_000_000),
				`IPv${family}`,
			);
			await t.notThrowsAsync(
				askUdp(client, proxy, 90, [1400, 4000]),
				`IPv${family}`,
			);

			for (const [end, count] of (await reports()).entries())
				t.true(count > (before[end] as number), `IPv${family}`);
		}
	},
);
