// Needs root and BPF: real traffic while programs become tcx programs and filters again.
import type { Host } from "@sluice/testbed";
import { inClear } from "../helpers/clear.js";
import { cli } from "../helpers/cli.js";
import { counterOf, crossed } from "../helpers/counters.js";
import { addresses, network, withContainer } from "../helpers/network.js";
import { script } from "../helpers/paths.js";
import { configure, serve, tunnel } from "../helpers/program.js";
import { programs } from "../helpers/scripts.js";
import { tcxTest } from "../helpers/tcx.js";
import {
	askUdp,
	backend,
	bufferFull,
	echoes,
	startFlow,
	startLoad,
} from "../helpers/traffic.js";
import { watchCore } from "../helpers/watch.js";

const { proxy, node: backendAddress } = addresses[4];

/** The hooks that have a tcx program. */
async function hooksOf(host: Host): Promise<string[]> {
	const { stdout } = await cli(host, "cli_tables hooks");
	return stdout.split("\n").map((line) => line.replace(/ \d+ .*/, ""));
}

tcxTest(
	"from filters to tcx and back, migrated in between, under load: nothing is lost",
	async (t) => {
		const net = await network(t);
		const { client, gateway, core, node } = net;
		await configure(net);
		await tunnel(net, 4);
		await serve([gateway, node], { inside: 4, tcp: 70 });
		await backend(node, { http: 80, udp: 90, tcp: 70 });
		const seen = await watchCore(core);
		const load = await startLoad(client, proxy, { tcp: 70, udp: 90 });
		const attach = (host: Host, ...args: string[]) =>
			host.run(script("attach_tc"), args);
		const both = ["--tcx", "--"] as const;
		for (const option of both)
			for (const [host, device] of [
				[gateway, "lan"],
				[node, "eth0"],
				[gateway, "wan"],
			] as const) {
				await attach(host, device, option);
				if (option === "--" || device !== "eth0") continue;
				// The gateway's other interface has filters now.
				const before = await crossed(gateway, 4);
				for (const each of [gateway, node]) {
					await each.run(script("reattach_tc"), [
						...["--migrate", "--entries", "3000"],
					]);
				}
				t.deepEqual(await hooksOf(gateway), ["lan ingress", "lan egress"]);
				t.deepEqual(await programs(gateway, "egress", "wan"), [
					"7717 pfc_egress",
				]);
				t.deepEqual(await hooksOf(node), ["eth0 ingress", "eth0 egress"]);
				const after = await crossed(gateway, 4);
				t.true(after.ingress.packets >= before.ingress.packets);
				t.true(after.egress.packets >= before.egress.packets);
				await cli(gateway, "cli_cfg set 0 +fast");
			}
		const { tcp, udp } = await load.stop();
		t.deepEqual(await hooksOf(gateway), [""]);

		t.true(tcp.sent > 100);
		t.is(tcp.answered, tcp.sent);
		const full = (await bufferFull(client)) + (await bufferFull(node));
		t.is(udp.answered + full, udp.sent);
		t.deepEqual(await seen(), [0, 0]);
	},
);

tcxTest(
	"by tcx, too, no packet of a flow leaves in the clear when its service goes",
	async (t) => {
		const net = await network(t);
		const { client, gateway, core, node } = net;
		await configure(net);
		await tunnel(net, 4);
		for (const device of ["lan", "wan"])
			await gateway.run(script("attach_tc"), [device, "--tcx"]);
		await node.run(script("attach_tc"), ["eth0", "--tcx"]);
		await serve([gateway, node], { inside: 4, tcp: 70 });
		await serve([gateway, node], { inside: 4, group: 2, tcp: 71, udp: 91 });
		await echoes(node, 90, 2);
		const seen = await inClear(core);
		const flow = await startFlow(client, proxy, 90, 2, 20_000);
		const set = `cli_service set 2 1 udp ${proxy} 90 ${backendAddress} 90 4 key`;
		for (let i = 0; i < 3; i++) {
			await cli(gateway, "cli_service del 2 1");
			await cli(gateway, set);
		}
		const { sent, answered } = await flow.stop();
		t.true(sent > 100 && answered > 0);
		t.is(await seen(), 0);
		const [translated, encapsulated, gone] = [
			await counterOf(gateway, "ingress", "dnat"),
			await counterOf(gateway, "egress", "encapsulated"),
			await counterOf(gateway, "egress", "service-gone"),
		];
		t.log({ sent, answered, translated, encapsulated, gone });
		t.true(translated - encapsulated <= gone);
	},
);

tcxTest(
	"by tcx, too, a mark that another host has left on a packet is not taken for our own",
	async (t) => {
		const { client, gateway, node, container } = await withContainer(t);
		for (const [host, device] of [
			[gateway, "lan"],
			[gateway, "wan"],
			[node, "wan"],
			[node, "veth0"],
		] as const)
			await host.run(script("attach_tc"), [device, "--tcx"]);
		await configure({ gateway, node });
		await cli(gateway, "cli_cfg set 0 +fast");
		await tunnel({ gateway, node }, 4, {
			gateway: "10.2.0.1",
			node: "10.2.0.2",
		});
		await serve([gateway, node], {
			inside: 4,
			at: { proxy, node: "10.4.0.2" },
		});
		await backend(container, { http: 80, udp: 90 });
		await askUdp(client, proxy, 90, [1]);
		const atEgress = () => counterOf(node, "egress", "not-ours");
		const before = await atEgress();
		await askUdp(client, proxy, 90, Array(50).fill(1));
		t.true((await atEgress()) >= before + 50);
	},
);
