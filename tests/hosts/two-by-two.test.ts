// Needs root and BPF: real traffic through four tunnels.
import { needs, testbed, testWith } from "@sluice/testbed";
import test from "ava";
import { cli, clis } from "../helpers/cli.js";
import { crossed } from "../helpers/counters.js";
import { script } from "../helpers/paths.js";
import { askHttp, askUdp, backend } from "../helpers/traffic.js";

const bpfTest = testWith(test.serial, needs.root, needs.bpf);

/**
 *           ┌ lan gateway 1 wan ┐      ┌ node 1
 *   client ─┤                   ├ core ┤
 *           └ lan gateway 2 wan ┘      └ node 2
 */
bpfTest("two gateways share two nodes", async (t) => {
	t.timeout(600_000);
	const bed = testbed(t);
	const client = await bed.host("client");
	const core = await bed.router("core");
	const each = [1, 2];
	const gateways = await Promise.all(
		each.map(async (number) => {
			const host = await bed.router(`gateway ${number}`);
			await bed.link(
				{
					host: client,
					name: `to${number}`,
					addresses: [`10.1.${number}.2/24`],
				},
				{ host, name: "lan", addresses: [`10.1.${number}.1/24`] },
			);
			await bed.link(
				{ host, name: "wan", addresses: [`10.2.${number}.2/24`] },
				{ host: core, name: `gw${number}`, addresses: [`10.2.${number}.1/24`] },
			);
			await host.route("default", `10.2.${number}.1`);
			await client.route(`10.9.${number}.0/24`, `10.1.${number}.1`);
			await host.run(script("attach_tc"), ["lan"]);
			await host.run(script("attach_tc"), ["wan"]);
			await clis(host, "cli_cfg", [
				`set 0 ${number} gue,dnat gateway`,
				`set 1 ${number} proxy,snat,fib gateway`,
			]);
			return {
				number,
				host,
				address: `10.2.${number}.2`,
				proxy: `10.9.${number}.1`,
			};
		}),
	);
	const nodes = await Promise.all(
		each.map(async (number) => {
			const host = await bed.host(`node ${number}`);
			await bed.link(
				{ host, name: "eth0", addresses: [`10.3.${number}.2/24`] },
				{
					host: core,
					name: `node${number}`,
					addresses: [`10.3.${number}.1/24`],
				},
			);
			await host.route("default", `10.3.${number}.1`);
			await host.run(script("attach_tc"), ["eth0"]);
			await clis(host, "cli_cfg", ["set 0 3 gue node", "set 1 3 fib node"]);
			return { number, host, address: `10.3.${number}.2` };
		}),
	);
	// Service group and tunnel are named by both numbers, and so are the ports.
	const pairs = gateways.flatMap((gateway) =>
		nodes.map((node) => ({
			gateway,
			node,
			id: 10 * gateway.number + node.number,
		})),
	);
	for (const { gateway, node, id } of pairs) {
		const [near, far] = [gateway.address, node.address];
		await cli(
			gateway.host,
			`cli_tunnel set ${id} ${near} 60${id} ${far} 60${id}`,
		);
		await cli(node.host, `cli_tunnel set ${id} ${far} 60${id} ${near} 60${id}`);
		for (const { host } of [gateway, node]) {
			await clis(host, "cli_service", [
				`set 1 ${id} tcp ${gateway.proxy} 80${id} ${far} 80${id} ${id} key${id}`,
				`set 2 ${id} udp ${gateway.proxy} 90${id} ${far} 90${id} ${id} key${id}`,
			]);
		}
		await backend(node.host, { http: 8000 + id, udp: 9000 + id });
	}

	await Promise.all(
		pairs.map(async ({ gateway, id }) => {
			await askHttp(client, gateway.proxy, 8000 + id, 1_000_000);
			await askUdp(client, gateway.proxy, 9000 + id);
		}),
	);

	for (const { gateway, node, id } of pairs) {
		const there = await crossed(gateway.host, id);
		const here = await crossed(node.host, id);
		t.true(there.egress.bytes > 1_000_000n, `tunnel ${id}`);
		t.true(here.egress.bytes > 1_000_000n, `tunnel ${id}`);
		t.is(here.ingress.bytes, there.egress.bytes, `tunnel ${id}`);
	}
});
