// Needs root and BPF: real traffic through a tunnel.
//
// 20 MB of HTTP each way and a datagram of every size that matters, in both
// families, with every link's offloads on and then off on one after the other,
// at two MTUs, in both modes.
import { needs, testWith } from "@sluice/testbed";
import test, { type ExecutionContext } from "ava";
import { crossed } from "../helpers/counters.js";
import { addresses, families, network } from "../helpers/network.js";
import { serveFamilies } from "../helpers/program.js";
import { askHttp, askUdp } from "../helpers/traffic.js";

const bpfTest = testWith(test.serial, needs.root, needs.bpf);

async function everySize(
	t: ExecutionContext,
	mode: "standard" | "dso",
): Promise<void> {
	const net = await network(t);
	const { client, gateway, links } = net;
	await serveFamilies(net, mode);
	const works = (what: string) =>
		Promise.all(
			families.map(async (family) => {
				const { proxy } = addresses[family];
				await t.notThrowsAsync(askHttp(client, proxy, 80), what);
				await t.notThrowsAsync(askUdp(client, proxy, 90), what);
			}),
		);

	for (const mtu of [1500, 1400]) {
		await Promise.all(links.map((link) => link.mtu(mtu)));
		await works(`MTU ${mtu}`);
		for (const [number, link] of links.entries()) {
			await link.offloads(false);
			await works(`MTU ${mtu}, offloads off on link ${number}`);
			await link.offloads(true);
		}
	}

	for (const family of families) {
		const { ingress, egress } = await crossed(gateway, family);
		t.true(egress.bytes > 200_000_000n);
		if (mode === "dso") t.deepEqual(ingress, { packets: 0n, bytes: 0n });
		else t.true(ingress.bytes > 200_000_000n);
	}
}

bpfTest("every size crosses the tunnel there and back", (t) =>
	everySize(t, "standard"),
);

bpfTest("every size crosses the tunnel, and the answer comes directly", (t) =>
	everySize(t, "dso"),
);
