// Needs root and BPF: real traffic while the programs are replaced.
import { needs, testWith } from "@sluice/testbed";
import test from "ava";
import { addresses, network } from "../helpers/network.js";
import { script } from "../helpers/paths.js";
import { configure, serve, tunnel } from "../helpers/program.js";
import { backend, bufferFull, startLoad } from "../helpers/traffic.js";

const bpfTest = testWith(test.serial, needs.root, needs.bpf);

bpfTest("15 reattaches under load lose nothing", async (t) => {
	const net = await network(t);
	const { client, gateway, core, node } = net;
	const { proxy, node: backendAddress, client: clientAddress } = addresses[4];
	await configure(net);
	await tunnel(net, 4);
	await serve([gateway, node], { inside: 4, tcp: 70 });
	await backend(node, { http: 80, udp: 90, tcp: 70 });
	// What passes without a program crosses the core in the clear.
	await core.run("nft", ["-f", "-"], {
		input: `table ip watch {
			chain forward {
				type filter hook forward priority 0
				ip daddr { ${proxy}, ${backendAddress} } th dport { 70, 90 } counter
				ip saddr ${backendAddress} ip daddr ${clientAddress} counter
			}
		}`,
	});

	const load = await startLoad(client, proxy, { tcp: 70, udp: 90 });
	const places = [
		[gateway, "wan"],
		[node, "eth0"],
		[gateway, "lan"],
	] as const;
	for (let count = 0; count < 15; count += 1) {
		const [host, name] = places[count % places.length] as (typeof places)[0];
		await host.run(script("reattach_tc"), [name]);
	}
	const { tcp, udp } = await load.stop();

	t.log(`${tcp.sent} messages over TCP, ${udp.sent} over UDP`);
	t.true(tcp.sent > 100);
	t.is(tcp.answered, tcp.sent);
	// A busy machine may leave a receiver without the CPU until its buffer is full: that is no packet that we lost.
	const full = (await bufferFull(client)) + (await bufferFull(node));
	t.is(udp.answered + full, udp.sent);
	const watched = await core.run("nft", ["list", "table", "ip", "watch"]);
	t.is(
		watched.stdout.match(/counter packets 0 bytes 0/g)?.length,
		2,
		watched.stdout,
	);
});
