// Needs root and BPF: tunnel packets whose source port is of their flow, as a router between the ends sees them.
import { type Host, needs, testWith } from "@sluice/testbed";
import test from "ava";
import { cli } from "../helpers/cli.js";
import { counterOf } from "../helpers/counters.js";
import { addresses, families, network } from "../helpers/network.js";
import { serveFamilies } from "../helpers/program.js";
import { askHttp, askUdp } from "../helpers/traffic.js";

const bpfTest = testWith(test.serial, needs.root, needs.bpf);

/** Keeps the source ports of what crosses a router to port 6080. @returns reads those to one address, and forgets them */
async function sourcePorts(router: Host) {
	await router.run("nft", ["-f", "-"], {
		input: `table inet ports {
			set seen4 { type ipv4_addr . inet_service; flags dynamic; size 65535; }
			set seen6 { type ipv6_addr . inet_service; flags dynamic; size 65535; }
			chain forward {
				type filter hook forward priority 0
				udp dport 6080 add @seen4 { ip daddr . udp sport }
				udp dport 6080 add @seen6 { ip6 daddr . udp sport }
			}
		}`,
	});
	return async (address: string): Promise<number[]> => {
		const { stdout } = await router.run("nft", ["list", "ruleset"]);
		return [...stdout.matchAll(/([\da-f.:]+) \. (\d+)/g)]
			.filter(([, to]) => to === address)
			.map(([, , port]) => Number(port));
	};
}

/** Sends a datagram from each of so many sockets. */
const sendFlows = (host: Host, address: string, port: number, flows: number) =>
	host.run("perl", [
		...["-MIO::Socket::IP", "-e"],
		`for (1 .. $ARGV[2]) {
			my $socket = IO::Socket::IP->new(PeerHost => $ARGV[0], PeerPort => $ARGV[1], Proto => "udp") or die $@;
			$socket->send("x");
			$socket->recv(my $answer, 9);
		}`,
		...[address, String(port), String(flows)],
	]);

bpfTest(
	"each flow of a tunnel has a source port of its own, both ways and on the fast path",
	async (t) => {
		const net = await network(t);
		const { client, gateway, core, node } = net;
		await serveFamilies(net);
		const seen = await sourcePorts(core);
		for (const family of families) {
			const { proxy, gateway: near, node: far } = addresses[family];
			const set = "--source-port flow";
			await cli(
				gateway,
				`cli_tunnel set ${family} ${near} 6080 ${far} 6080 ${set}`,
			);
			await cli(
				node,
				`cli_tunnel set ${family} ${far} 6080 ${near} 6080 ${set}`,
			);
			for (const flags of ["gue,dnat", "gue,dnat,fast"]) {
				await cli(gateway, `cli_cfg set 0 1 ${flags} gateway`);
				// One flow in fragments, and one or two connections.
				await askUdp(client, proxy, 90, [1, 1400, 9000, 60_000]);
				await askHttp(client, proxy, 80, 500_000);
				for (const end of [near, far]) {
					const ports = await seen(end);
					t.true(ports.length >= 2 && ports.length <= 6, `${ports}`);
				}
			}
			await sendFlows(client, proxy, 90, 100);
			for (const end of [near, far]) {
				const ports = await seen(end);
				t.true(ports.length > 90);
				t.deepEqual(
					ports.filter((port) => port < 49_152),
					[],
				);
			}
			// Pings are from the port of the tunnel, which a NAT would open for the answers.
			await cli(node, `cli_tunnel ping ${family} --count 1`);
			t.true((await seen(near)).includes(6080));
			t.is(
				(await cli(gateway, `cli_tunnel get ${family}`)).stdout.match(
					/\t(set|learned)\t/,
				)?.[1],
				"set",
			);
		}
		for (const host of [gateway, node])
			t.is(await counterOf(host, "ingress", "fragment-before-first"), 0);
	},
);
