// Needs root and BPF: real traffic to a node with two networks that does not forward.
import { needs, testWith } from "@sluice/testbed";
import test from "ava";
import { families, inARow, inNetwork, route } from "../helpers/network.js";
import { script } from "../helpers/paths.js";
import { configure, serve, tunnel } from "../helpers/program.js";
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
		const { bed, client, gateway, node } = await inARow(t, "host");
		const stranger = await bed.host("stranger");
		await bed.link(
			{ host: node, name: "other", addresses: inNetwork(3, 2) },
			{ host: stranger, name: "eth0", addresses: inNetwork(3, 1) },
		);
		await route(node, "default", 3, 1);
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
			const at = address[family];
			await tunnel({ gateway, node }, family, at);
			await serve([gateway, node], { inside: family, group: family, at });
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
