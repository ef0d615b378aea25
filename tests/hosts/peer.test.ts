// Needs root and BPF: real traffic to a backend in a container.
import { type Host, needs, testWith } from "@sluice/testbed";
import test from "ava";
import { cli } from "../helpers/cli.js";
import { counterOf } from "../helpers/counters.js";
import { families, withContainer } from "../helpers/network.js";
import { script } from "../helpers/paths.js";
import { configure, serve, tunnel } from "../helpers/program.js";
import { hasTcx } from "../helpers/tcx.js";
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
		const { client, gateway, node, container } = await withContainer(t);
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
			const { inside, proxy } = address[family];
			await tunnel({ gateway, node }, family, address[family]);
			await serve([gateway, node], {
				...{ inside: family, group: family },
				at: { proxy, node: inside },
			});
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
		if (hasTcx()) {
			await node.run(script("attach_tc"), ["wan", "--tcx"]);
			t.true((await works()) < 100_000, "by tcx, too");
		}
		t.is(await counterOf(node, "ingress", "decap-failed"), 0);
	},
);
