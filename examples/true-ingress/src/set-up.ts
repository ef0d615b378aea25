import type { Network } from "./network.js";
import { GATEWAY, NAT, NODE, PROXY } from "./network.js";
import type { Terminal } from "./terminal.js";

/** Everything that an act needs. */
export type Stage = Network & {
	terminal: Terminal;
	/** 20 MB, which the backend serves. */
	file: string;
	/** Their SHA-256. */
	sum: string;
};

const KEY = "Pa55w0rd1234567";

/** The web service's command line, with another key or none. */
export const webService = (key = KEY) =>
	`cli_service set 1 2 tcp ${PROXY} 80 ${NODE} 8080 100 '${key}'`;
const echoService = `cli_service set 2 2 udp ${PROXY} 9000 ${NODE} 9000 100 '${KEY}'`;

export async function attach({ terminal, gateway, node, file }: Stage) {
	terminal.title("Attach the programs");
	await terminal.run(gateway, "scripts/attach_tc.sh");
	await terminal.run(node, "scripts/attach_tc.sh eth0");
	await terminal.start(
		node,
		`node --import=tsx examples/true-ingress/src/server.ts ${file}`,
		/listening.*/,
	);
}

export async function programGateway({ terminal, client, gateway }: Stage) {
	terminal.title("Program the gateway");
	await terminal.run(
		gateway,
		"sysctl -w net.ipv4.ip_forward=1 net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.eth0.send_redirects=0",
	);
	await terminal.run(gateway, "cli_cfg set 0 1 gue,dnat gateway");
	await terminal.run(gateway, "cli_cfg set 1 1 proxy,snat,fib gateway");
	terminal.note(
		"the node's address is not known yet: remote 0 0, learned from its ping",
	);
	await terminal.run(gateway, `cli_tunnel set 100 ${GATEWAY} 6080 0 0`);
	await terminal.run(gateway, webService());
	await terminal.run(gateway, echoService);
	await terminal.run(gateway, "cli_tunnel get 100");
	const { exitCode } = await terminal.type(
		client,
		`curl -sS --max-time 1 -o /dev/null http://${PROXY}/`,
	);
	const counters = await terminal.run(gateway, "cli_cfg stats");
	terminal.check(
		"no answer while the tunnel has no far end: nothing leaves in the clear",
		exitCode === 28 && /no-remote +dropped +[1-9]/.test(counters),
	);
}

export async function programNode({ terminal, node }: Stage) {
	terminal.title("Program the node");
	await terminal.run(node, "cli_cfg set 0 2 gue node");
	await terminal.run(node, "cli_cfg set 1 2 fib node");
	await terminal.run(node, `cli_tunnel set 100 ${NODE} 6080 ${GATEWAY} 6080`);
	await terminal.run(node, webService());
	await terminal.run(node, echoService);
	await terminal.run(node, "cli_service get all");
}

export async function openTunnel({ terminal, gateway, node }: Stage) {
	terminal.title("The node's ping opens the tunnel, through its NAT");
	await terminal.run(node, "cli_tunnel ping 100 --count 1");
	const tunnel = await terminal.run(gateway, "cli_tunnel get 100");
	terminal.check(
		"the gateway has learned the NAT's address for the node's",
		tunnel.includes(`${GATEWAY}:6080 -> ${NAT}:`),
	);
}
