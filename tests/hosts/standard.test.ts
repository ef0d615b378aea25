// Needs root and BPF: real traffic through a tunnel.
import { needs, testWith } from "@sluice/testbed";
import test from "ava";
import { cli, clis } from "../helpers/cli.js";
import { addresses, families, network } from "../helpers/network.js";
import { askHttp, askUdp, backend } from "../helpers/traffic.js";

const bpfTest = testWith(test, needs.root, needs.bpf);

bpfTest("requests and answers cross the tunnel in every family", async (t) => {
	const { client, gateway, node } = await network(t);
	await backend(node, { http: 8080, udp: 9000 });
	await clis(gateway, [
		"cli_cfg set 0 1 gue,dnat gateway",
		"cli_cfg set 1 1 proxy,snat,fib gateway",
	]);
	await clis(node, ["cli_cfg set 0 2 gue node", "cli_cfg set 1 2 fib node"]);
	for (const family of families) {
		const a = addresses[family];
		await cli(
			gateway,
			`cli_tunnel set ${family} ${a.gateway} 6080 ${a.node} 6080`,
		);
		await cli(
			node,
			`cli_tunnel set ${family} ${a.node} 6080 ${a.gateway} 6080`,
		);
		for (const host of [gateway, node]) {
			await cli(
				host,
				`cli_service set 1 ${family} tcp ${a.proxy} 80 ${a.node} 8080 ${family} key`,
			);
			await cli(
				host,
				`cli_service set 2 ${family} udp ${a.proxy} 90 ${a.node} 9000 ${family} key`,
			);
		}
	}
	for (const family of families) {
		const { proxy } = addresses[family];
		const start = Date.now();
		await askHttp(client, proxy, 80);
		console.log(family, "http", Date.now() - start);
		await askUdp(client, proxy, 90);
		console.log(family, "udp", Date.now() - start);
	}
	t.pass();
});
