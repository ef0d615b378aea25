// Needs root and BPF: real traffic of clients and servers that stand where they do not belong: docs/operations.md, Limits.
import { type Host, needs, testWith } from "@sluice/testbed";
import test from "ava";
import { cli } from "../helpers/cli.js";
import { counterOf } from "../helpers/counters.js";
import { addresses, network } from "../helpers/network.js";
import { configure, serveFamilies, tunnel } from "../helpers/program.js";

const bpfTest = testWith(test.serial, needs.root, needs.bpf);

const { node: backendAddress, proxy } = addresses[4];

/** Seconds in which an answer must come, and in which none may. */
const ANSWER = 30;
const SILENCE = 2;

/** Whether HTTP is answered within some seconds. */
async function answered(
	host: Host,
	address: string,
	seconds: number,
): Promise<boolean> {
	const { exitCode } = await host.run(
		"curl",
		["-s", "--max-time", `${seconds}`, "-o", "/dev/null", `http://${address}/`],
		{ reject: false },
	);
	return exitCode === 0;
}

bpfTest("clients that stand where they cannot be served", async (t) => {
	const net = await network(t);
	const { client, gateway, node } = net;
	await serveFamilies(net);
	t.true(await answered(client, proxy, ANSWER), "a client");

	// Its packets come back to it with its own address as the source, which the kernel takes for forged.
	const decapsulated = await counterOf(node, "ingress", "decapsulated");
	t.false(await answered(node, proxy, SILENCE), "a client on the node");
	t.true((await counterOf(node, "ingress", "decapsulated")) > decapsulated);

	// The answer has the proxy's address, which the client did not call.
	const translated = await counterOf(gateway, "egress", "snat");
	t.false(
		await answered(client, backendAddress, SILENCE),
		"one that calls the backend",
	);
	t.true((await counterOf(gateway, "egress", "snat")) > translated);

	// Its packets do not come in, or come back with its own address as the source.
	t.false(await answered(gateway, proxy, SILENCE), "a client on the gateway");
});

/** An address that the node does not send from by itself. */
const SECOND = "10.7.0.1";

/** A UDP echo that is bound to all addresses or to one. */
const ECHO = `const s = require("dgram").createSocket("udp4");
s.on("message", (m, from) => s.send(m, from.port, from.address));
s.bind(90, process.argv[1], () => console.log("listening"));`;

/** Sends datagrams; whether one is answered within some seconds, by whom it was sent to. */
const ASK = `const s = require("dgram").createSocket("udp4");
const [address, seconds] = process.argv.slice(1);
s.on("message", (_, from) => process.exit(from.address === address ? 0 : 1));
setInterval(() => s.send("hello", 90, address), 300);
setTimeout(() => process.exit(1), 1000 * seconds);`;

bpfTest(
	"a UDP server bound to 0.0.0.0 answers from another address than a second one",
	async (t) => {
		const net = await network(t);
		const { client, gateway, node } = net;
		// The backend's address is one more of the node's.
		await node.run("ip", ["address", "add", `${SECOND}/32`, "dev", "lo"]);
		await configure(net);
		await tunnel(net, 4);
		for (const host of [gateway, node])
			await cli(host, `cli_service set 1 1 udp ${proxy} 90 ${SECOND} 90 4 key`);
		const ask = async (seconds: number) => {
			const { exitCode } = await client.run(
				process.execPath,
				["-e", ASK, proxy, `${seconds}`],
				{ reject: false },
			);
			return exitCode === 0;
		};
		const listen = async (address: string) => {
			const server = node.spawn(process.execPath, ["-e", ECHO, address]);
			await server.ready(/listening/);
			return server;
		};

		const bound = await listen(SECOND);
		t.true(await ask(ANSWER), "bound to the backend's address");
		await bound.stop();
		await listen("0.0.0.0");
		const passed = await counterOf(node, "egress", "not-ours");
		t.false(await ask(SILENCE), "bound to all");
		t.true((await counterOf(node, "egress", "not-ours")) > passed);
	},
);
