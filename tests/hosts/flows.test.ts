// Needs root and BPF: real traffic through tunnels.
import { needs, testWith } from "@sluice/testbed";
import test from "ava";
import { cli } from "../helpers/cli.js";
import { counterOf, crossed } from "../helpers/counters.js";
import { addresses, families, network } from "../helpers/network.js";
import { configure, serve, serveFamilies, tunnel } from "../helpers/program.js";
import { askHttp, askUdp, backend } from "../helpers/traffic.js";

const bpfTest = testWith(test.serial, needs.root, needs.bpf);

for (const mode of ["standard", "dso"] as const) {
	bpfTest(`each family goes in a tunnel of the other, ${mode}`, async (t) => {
		const net = await network(t);
		await serveFamilies(net, mode, (inside) => (inside === 4 ? 6 : 4));

		for (const inside of families) {
			const { proxy } = addresses[inside];
			await t.notThrowsAsync(askHttp(net.client, proxy, 80), `${inside}`);
			await t.notThrowsAsync(askUdp(net.client, proxy, 90), `${inside}`);
		}
	});
}

bpfTest("several services share a tunnel, each with its key", async (t) => {
	const net = await network(t);
	const { client, gateway, node } = net;
	await configure(net);
	await tunnel(net, 4);
	const services = [1, 2, 3].map((group) => ({
		inside: 4 as const,
		tunnel: 4,
		group,
		tcp: 8000 + group,
		udp: 9000 + group,
		key: `key-${group}`,
	}));
	for (const service of services) {
		await serve([gateway, node], service);
		await backend(node, { http: service.tcp, udp: service.udp });
	}

	await Promise.all(
		services.map(async ({ tcp, udp }) => {
			await askHttp(client, addresses[4].proxy, tcp, 1_000_000);
			await askUdp(client, addresses[4].proxy, udp);
		}),
	);

	const { ingress, egress } = await crossed(gateway, 4);
	t.true(egress.bytes > 3_000_000n && ingress.bytes > 3_000_000n);
});

bpfTest("a tunnel for each service carries that service alone", async (t) => {
	const net = await network(t);
	const { client, gateway, node } = net;
	const a = addresses[4];
	await configure(net);
	const groups = [1, 2];
	for (const group of groups) {
		const [id, port] = [100 + group, 6080 + group];
		await cli(
			gateway,
			`cli_tunnel set ${id} ${a.gateway} ${port} ${a.node} ${port}`,
		);
		await cli(
			node,
			`cli_tunnel set ${id} ${a.node} ${port} ${a.gateway} ${port}`,
		);
		await serve([gateway, node], {
			inside: 4,
			tunnel: id,
			group,
			tcp: 8000 + group,
			udp: 9000 + group,
		});
		await backend(node, { http: 8000 + group, udp: 9000 + group });
	}

	await askHttp(client, a.proxy, 8001, 1_000_000);

	const [used, unused] = await Promise.all(
		groups.map((group) => crossed(gateway, 100 + group)),
	);
	t.true(used !== undefined && used.egress.bytes > 1_000_000n);
	t.is(unused?.egress.packets, 0n);
	await askUdp(client, a.proxy, 9002);
	t.true((await crossed(gateway, 102)).ingress.packets > 0n);
});

bpfTest(
	"nothing leaves in the clear while the remote is unknown",
	async (t) => {
		const net = await network(t);
		const { client, gateway, core } = net;
		const a = addresses[4];
		await configure(net);
		await cli(gateway, `cli_tunnel set 4 ${a.gateway} 6080 0 0`);
		await serve([gateway], { inside: 4 });
		await core.run("nft", ["-f", "-"], {
			input: `table ip watch {
			chain forward {
				type filter hook forward priority 0
				ip daddr ${a.node} counter
			}
		}`,
		});

		await client.run("bash", [
			...["-c", `for i in 1 2 3; do echo >/dev/udp/${a.proxy}/90; done`],
		]);

		const { stdout } = await core.run("nft", ["list", "table", "ip", "watch"]);
		t.regex(stdout, /counter packets 0 bytes 0/);
		t.is(await counterOf(gateway, "egress", "no-remote"), 3);
	},
);

bpfTest("a wrong key is refused at the node, and counted", async (t) => {
	const net = await network(t);
	const { client, gateway, node } = net;
	await configure(net);
	await tunnel(net, 4);
	const service = {
		inside: 4,
		tunnel: 4,
		group: 1,
		tcp: 80,
		udp: 90,
	} as const;
	await serve([gateway], { ...service, key: "wrong" });
	await serve([node], { ...service, key: "right" });
	await backend(node, { http: 80, udp: 90 });

	await client.run("bash", [
		...[
			"-c",
			`for i in 1 2 3; do echo >/dev/udp/${addresses[4].proxy}/90; done`,
		],
	]);

	const { ingress } = await crossed(node, 4);
	t.deepEqual(ingress, { packets: 0n, bytes: 0n });
	t.is(await counterOf(node, "ingress", "wrong-key"), 3);

	await cli(
		gateway,
		`cli_service set 2 1 udp ${addresses[4].proxy} 90 ${addresses[4].node} 90 4 right`,
	);
	await t.notThrowsAsync(askUdp(client, addresses[4].proxy, 90, [100]));
});
