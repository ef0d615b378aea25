// Needs root and BPF: a narrow link on the client's side of the gateway.
import { needs, testWith } from "@sluice/testbed";
import test from "ava";
import { cli } from "../helpers/cli.js";
import { counterOf } from "../helpers/counters.js";
import { addresses, families, inNetwork, network } from "../helpers/network.js";
import { configure, serve, serveFamilies, tunnel } from "../helpers/program.js";
import { askHttp, askUdp, backend } from "../helpers/traffic.js";

const bpfTest = testWith(test.serial, needs.root, needs.bpf);

/**
 * The client of the network becomes a router, with the real client beyond a
 * link of MTU 1300. What the backend sends with DF set and does not fit there
 * is answered to the proxy address: the gateway has to carry that answer
 * through the tunnel, or the backend never learns.
 */
for (const mode of ["standard", "dso"] as const) {
	for (const family of families) {
		bpfTest(
			`the backend learns the client's path MTU, IPv${family}, ${mode}`,
			async (t) => {
				const net = await network(t);
				const { bed, client: router, gateway, core, node } = net;
				const { proxy, client: address } = addresses[family];
				const far = await bed.host("far");
				await router.forward();
				await bed.link(
					{ host: far, name: "eth0", addresses: inNetwork(6, 2) },
					{
						host: router,
						name: "narrow",
						addresses: inNetwork(6, 1),
					},
					{ mtu: 1300 },
				);
				await far.route("default", family === 4 ? "10.6.0.1" : "fd06::1");
				const net6 = family === 4 ? "10.6.0.0/24" : "fd06::/64";
				await gateway.route(net6, address);
				await core.route(net6, family === 4 ? "10.4.0.2" : "fd04::2");
				await configure(net, mode);
				await tunnel(net, family);
				await serve([gateway, node], { inside: family });
				await backend(node, { http: 80, udp: 90 });

				await t.notThrowsAsync(askUdp(far, proxy, 90, [1280, 1400, 4000]));
				await t.notThrowsAsync(askHttp(far, proxy, 80, 1_000_000));

				const route = await node.run("ip", [
					...["route", "get", family === 4 ? "10.6.0.2" : "fd06::2"],
				]);
				t.regex(route.stdout, /mtu 1300/);
			},
		);
	}
}

bpfTest(
	"a locked MTU of the route limits what fits into the tunnel",
	async (t) => {
		const net = await network(t);
		const { client, gateway, links } = net;
		await serveFamilies(net);
		// Between the gateway's link and the node there is less room than on either.
		await links[3]?.mtu(1400);
		await gateway.run("ip", ["-batch", "-"], {
			input: `route add 10.3.0.0/24 via 10.2.0.1 mtu lock 1400
			route add fd03::/64 via fd02::1 mtu lock 1400`,
		});

		for (const family of families) {
			const { proxy } = addresses[family];
			await t.notThrowsAsync(askUdp(client, proxy, 90), `IPv${family}`);
			await t.notThrowsAsync(askHttp(client, proxy, 80, 1_000_000));
		}
	},
);

/** Counts the tunnel's packets at the core that have the MTU, and those above. */
const SIZES = `table ip sizes {
	counter to_node {}
	counter from_node {}
	counter larger {}
	chain forward {
		type filter hook forward priority 0
		udp dport 6080 ip daddr ${addresses[4].node} ip length 1491 counter name to_node
		udp dport 6080 ip saddr ${addresses[4].node} ip length 1491 counter name from_node
		udp dport 6080 ip length > 1491 counter name larger
	}
}`;

bpfTest(
	"a locked MTU of the gateway's route is that of TCP in both directions",
	async (t) => {
		const net = await network(t);
		const { client, gateway, core, links } = net;
		await serveFamilies(net);
		await Promise.all(links.map((link) => link.offloads(false)));
		await gateway.run("ip", [
			...["route", "add", "10.3.0.0/24", "via", "10.2.0.1"],
			...["mtu", "lock", "1491"],
		]);
		await core.run("nft", ["-f", "-"], { input: SIZES });

		await askHttp(client, addresses[4].proxy, 80, 1_000_000);

		const { stdout } = await core.run("nft", ["--json", "list", "counters"]);
		const { nftables } = JSON.parse(stdout) as {
			nftables: { counter?: { name: string; packets: number } }[];
		};
		const packets = Object.fromEntries(
			nftables.flatMap(({ counter }) =>
				counter ? [[counter.name, counter.packets]] : [],
			),
		);
		const { larger, to_node = 0, from_node = 0 } = packets;
		t.is(larger, 0);
		// 1 000 000 bytes in segments of 1387.
		t.true(to_node > 700 && from_node > 700, JSON.stringify(packets));
	},
);

for (const family of families)
	bpfTest(
		`a router on the tunnel's path lowers its MTU, IPv${family}`,
		async (t) => {
			const net = await network(t);
			const { client, gateway, node, links } = net;
			await configure(net);
			await tunnel(net, family);
			await serve([gateway, node], { inside: family });
			await backend(node, { http: 80, udp: 90 });
			// Behind the core there is less room than on the gateway's own link.
			const core = links[3]?.ends.find(({ host }) => host === net.core);
			await core?.host.run("ip", [
				...["link", "set", core.name, "mtu", family === 4 ? "1300" : "1400"],
			]);

			await t.notThrowsAsync(
				askHttp(client, addresses[family].proxy, 80, 1_000_000),
			);

			t.true((await counterOf(gateway, "ingress", "path-mtu")) > 0);
			const { stdout } = await cli(gateway, `cli_tunnel get ${family}`);
			const reported = family === 4 ? /path MTU 1300/ : /path MTU 1400/;
			t.regex(stdout, reported);

			// The router quotes a source port that is the flow's, and is heard as well.
			const { gateway: near, node: far, proxy } = addresses[family];
			await cli(
				gateway,
				`cli_tunnel set ${family} ${near} 6080 ${far} 6080 --source-port flow`,
			);
			// The client caches the path MTU of the answer.
			for (const option of ["-4", "-6"])
				await client.run("ip", [option, "route", "flush", "cache"]);
			const get = () => cli(gateway, `cli_tunnel get ${family}`);
			t.notRegex((await get()).stdout, reported);
			await t.notThrowsAsync(askHttp(client, proxy, 80, 1_000_000));
			t.regex((await get()).stdout, reported);
		},
	);
