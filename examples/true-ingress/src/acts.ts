import type { Host } from "@sluice/testbed";
import { PROXY } from "./network.js";
import { type Stage, webService } from "./set-up.js";

export async function standardMode(stage: Stage) {
	const { terminal, gateway } = stage;
	terminal.title("Standard mode: answers go back through the tunnel");
	await requests(stage, [1, 1400, 4000]);
	await terminal.run(gateway, "cli_tunnel stats 100");
	await terminal.run(gateway, "cli_cfg stats");
	const { ingress } = await traffic(gateway);
	terminal.check(
		"what the client was given came out of the tunnel at the gateway",
		ingress.bytes > 20_000_000,
	);
}

export async function directReturn(stage: Stage) {
	const { terminal, gateway, node } = stage;
	terminal.title("DSO mode: answers go straight to the client");
	await terminal.run(node, "cli_cfg set 1 2 snat,fib node");
	const before = await traffic(gateway);
	await requests(stage, [1, 1400]);
	await terminal.run(gateway, "cli_tunnel stats 100");
	const after = await traffic(gateway);
	terminal.check(
		"nothing more came out of the tunnel at the gateway, and the requests went in",
		after.ingress.packets === before.ingress.packets &&
			after.egress.bytes > before.egress.bytes + 20_000_000,
	);
	await terminal.run(node, "cli_cfg set 1 2 fib node");
}

export async function wrongKey(stage: Stage) {
	const { terminal, client, gateway, node } = stage;
	terminal.title("A wrong key is refused");
	await terminal.run(gateway, webService("open sesame"));
	const { exitCode } = await terminal.type(
		client,
		`curl -sS --max-time 1 -o /dev/null http://${PROXY}/`,
	);
	terminal.check("no answer", exitCode === 28);
	const counters = await terminal.run(node, "cli_cfg stats");
	terminal.check(
		"the node has counted packets with a wrong key, and dropped them",
		/wrong-key +dropped +[1-9]/.test(counters),
	);
	await terminal.run(gateway, webService());
	const answer = await terminal.run(
		client,
		`curl -sS --max-time 5 http://${PROXY}/ | sha256sum`,
	);
	terminal.check(
		"with the right key again it works again",
		answer.startsWith(stage.sum),
	);
}

export async function detach({ terminal, gateway, node }: Stage) {
	terminal.title("Detach, tables and all");
	for (const host of [gateway, node])
		await terminal.run(host, "scripts/detach_tc.sh --purge");
}

/** 20 MB each way over HTTP, and datagrams there and back. */
async function requests(
	{ terminal, client, file, sum }: Stage,
	datagrams: number[],
) {
	const got = await terminal.run(
		client,
		`curl -sS --max-time 20 http://${PROXY}/ | sha256sum`,
	);
	terminal.check("20 MB came whole", got.startsWith(sum));
	const put = await terminal.run(
		client,
		`curl -sS --max-time 20 -T ${file} http://${PROXY}/`,
	);
	terminal.check("20 MB went whole", put.startsWith(sum));
	const { exitCode } = await terminal.type(
		client,
		`node --import=tsx examples/true-ingress/src/udp-request.ts ${PROXY} 9000 ${datagrams.join(" ")}`,
	);
	terminal.check(
		`datagrams of ${datagrams.join(", ")} bytes went there and back`,
		exitCode === 0,
	);
}

type Direction = { packets: number; bytes: number };

/** The counters of tunnel 100, as a script reads them. */
async function traffic(
	host: Host,
): Promise<{ ingress: Direction; egress: Direction }> {
	const { stdout } = await host.run("cli_tunnel", ["stats", "100", "--json"]);
	const [tunnel] = JSON.parse(stdout).tunnels;
	const number = ({ packets, bytes }: Direction) => ({
		packets: Number(packets),
		bytes: Number(bytes),
	});
	return { ingress: number(tunnel.ingress), egress: number(tunnel.egress) };
}
