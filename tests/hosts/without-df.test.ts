// Needs root and BPF: real datagrams without DF, from sockets that ignore the path MTU.
import path from "node:path";
import { needs, testWith } from "@sluice/testbed";
import test from "ava";
import { counterOf } from "../helpers/counters.js";
import { addresses, network } from "../helpers/network.js";
import { configure, serve, tunnel } from "../helpers/program.js";

const bpfTest = testWith(test.serial, needs.root, needs.bpf);

const fixture = path.join(import.meta.dirname, "fixtures/omit.pl");

for (const outside of [4, 6] as const)
	bpfTest(
		`datagrams without DF cross a tunnel over IPv${outside} in fragments, both ways`,
		async (t) => {
			const net = await network(t);
			const { client, gateway, node, links } = net;
			await configure(net);
			await tunnel(net, outside);
			await serve([gateway, node], { inside: 4, tunnel: outside });
			await node.spawn("perl", [fixture, "serve", "90"]).ready(/listening/);
			const sizes = [1, 1400, 1401, 1420, 1421, 1472, 1473, 4000, 60_000];
			const ask = () =>
				client.run("perl", [
					...[fixture, "ask", addresses[4].proxy, "90", ...sizes.map(String)],
				]);

			await t.notThrowsAsync(ask(), "offloads on");
			for (const link of links) await link.offloads(false);
			await t.notThrowsAsync(ask(), "offloads off");

			for (const host of [gateway, node])
				for (const outcome of ["too-big", "too-big-silent"] as const)
					t.is(await counterOf(host, "egress", outcome), 0);
		},
	);
