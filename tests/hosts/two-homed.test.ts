// Needs root and BPF: real traffic to a node with two networks that does not forward.
import { needs, testbed, testWith } from "@sluice/testbed";
import test from "ava";
import { cli } from "../helpers/cli.js";
import { families } from "../helpers/network.js";
import { script } from "../helpers/paths.js";
import { configure } from "../helpers/program.js";
import { askHttp, backend } from "../helpers/traffic.js";

const bpfTest = testWith(test.serial, needs.root, needs.bpf);

const address = {
	4: { gateway: "10.2.0.1", node: "10.2.0.2", proxy: "10.9.0.1" },
	6: { gateway: "fd02::1", node: "fd02::2", proxy: "fd09::1" },
} as const;

/**
 * The node's default route, and so its answers, leave by `other`; the far end of the tunnel is on `wan`. The key must not
 * be seen on the other network.
 */
bpfTest(
	"a node with two networks and no forwarding sends tunnel packets to the far end alone",
	async (t) => {
		t.timeout(300_000);
		const bed = testbed(t);
		const [client, gateway, node, stranger] = await Promise.all([
			bed.host("client"),
			bed.router("gateway"),
			bed.host("node"),
			bed.host("stranger"),
		]);
		await bed.link(
			{ host: client, name: "eth0", addresses: ["10.1.0.2/24", "fd01::2/64"] },
			{ host: gateway, name: "lan", addresses: ["10.1.0.1/24", "fd01::1/64"] },
		);
		await bed.link(
			{ host: gateway, name: "wan", addresses: ["10.2.0.1/24", "fd02::1/64"] },
			{ host: node, name: "wan", addresses: ["10.2.0.2/24", "fd02::2/64"] },
		);
		await bed.link(
			{ host: node, name: "other", addresses: ["10.3.0.2/24", "fd03::2/64"] },
			{
				host: stranger,
				name: "eth0",
				addresses: ["10.3.0.1/24", "fd03::1/64"],
			},
		);
		await client.route("default", "10.1.0.1");
		await client.route("default", "fd01::1");
		await node.route("default", "10.3.0.1");
		await node.route("default", "fd03::1");
		await stranger.run("nft", ["-f", "-"], {
			input: `table inet watch {
				chain seen {
					type filter hook prerouting priority -300
					udp dport 6080 counter
				}
			}`,
		});
		for (const name of ["lan", "wan"])
			await gateway.run(script("attach_tc"), [name]);
		for (const name of ["wan", "other"])
			await node.run(script("attach_tc"), [name]);
		await configure({ gateway, node });
		for (const family of families) {
			const a = address[family];
			for (const [host, near, far] of [
				[gateway, a.gateway, a.node],
				[node, a.node, a.gateway],
			] as const) {
				await cli(host, `cli_tunnel set ${family} ${near} 6080 ${far} 6080`);
				await cli(
					host,
					`cli_service set 1 ${family} tcp ${a.proxy} 80 ${a.node} 80 ${family} key`,
				);
			}
		}
		await backend(node, { http: 80, udp: 90 });

		for (const family of families)
			await t.notThrowsAsync(
				askHttp(client, address[family].proxy, 80, 500_000),
				`IPv${family}`,
			);

		const forwarding = await node.run("cat", ["/proc/sys/net/ipv4/ip_forward"]);
		t.is(forwarding.stdout, "0");
		const seen = await stranger.run("nft", ["list", "table", "inet", "watch"]);
		t.regex(seen.stdout, /counter packets 0 bytes 0/);
	},
);
