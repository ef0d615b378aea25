// Needs root and BPF: real traffic through a tunnel that crosses a NAT.
import { setTimeout as sleep } from "node:timers/promises";
import { needs, testWith } from "@sluice/testbed";
import test from "ava";
import { bin, cli } from "../helpers/cli.js";
import { addresses, families, network } from "../helpers/network.js";
import { configure, serve } from "../helpers/program.js";
import { askHttp, askUdp, backend } from "../helpers/traffic.js";

const bpfTest = testWith(test.serial, needs.root, needs.bpf);

for (const family of families) {
	bpfTest(`a ping opens the tunnel through a NAT, IPv${family}`, async (t) => {
		const net = await network(t, { nat: true });
		const { client, gateway, node, nat } = net;
		const a = addresses[family];
		const remote = async () => {
			const { stdout } = await cli(gateway, `cli_tunnel get ${family}`);
			return stdout.split(" -> ")[1]?.split(/[\t\n]/)[0];
		};
		const set = (options = "") =>
			cli(gateway, `cli_tunnel set ${family} ${a.gateway} 6080 0 0${options}`);
		const works = async () => {
			await askHttp(client, a.proxy, 80, 1_000_000);
			await askUdp(client, a.proxy, 90);
		};
		await configure(net);
		await set();
		await cli(
			node,
			`cli_tunnel set ${family} ${a.node} 6080 ${a.gateway} 6080`,
		);
		await serve([gateway, node], { inside: family });
		await backend(node, { http: 80, udp: 90 });
		t.is(await remote(), "0.0.0.0:0");

		await cli(node, `cli_tunnel ping ${family} --count 1`);
		const learned = await remote();
		t.true(learned?.includes(a.nat), learned);
		await t.notThrowsAsync(works());

		// Setting the tunnel again does not forget what was learned, but on request.
		await set();
		t.is(await remote(), learned);
		await set(" --reset-remote");
		t.is(await remote(), "0.0.0.0:0");

		// The NAT's address changes: the gateway learns it from the next ping.
		node.spawn(process.execPath, [
			...[bin("cli_tunnel"), "ping", String(family), "--interval", "0.2"],
		]);
		while ((await remote()) !== learned) await sleep(100);
		const moved = a.nat.replace(/2$/, "77");
		const prefix = family === 4 ? 24 : 64;
		// Down in between: the NAT forgets what it translated, also pings that left without an address.
		await nat?.run("ip", ["-batch", "-"], {
			input: `address del ${a.nat}/${prefix} dev wan
				link set wan down
				address add ${moved}/${prefix} dev wan${family === 6 ? " nodad" : ""}
				link set wan up
				route replace default via ${family === 4 ? "10.5.0.1" : "fd05::1"}`,
		});
		while (!(await remote())?.includes(moved)) await sleep(100);
		await t.notThrowsAsync(works());
	});
}
