// Needs root and BPF: real traffic through tunnels, read by tshark.
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Host, needs, testWith } from "@sluice/testbed";
import test from "ava";
import { cli } from "../helpers/cli.js";
import { dumped } from "../helpers/dump.js";
import { addresses, network } from "../helpers/network.js";
import { ownDirectory } from "../helpers/own-directory.js";
import { configure, serve, tunnel } from "../helpers/program.js";
import { askHttp, backend } from "../helpers/traffic.js";

const bpfTest = testWith(test.serial, needs.root, needs.bpf);
const dissector = path.join(
	import.meta.dirname,
	"../../examples/wireshark/sluice.lua",
);

/** Fields of the packets that a filter lets through, a list for each packet. */
async function tshark(
	host: Host,
	file: string,
	filter: string,
	...fields: string[]
): Promise<string[][]> {
	const { stdout } = await host.run("tshark", [
		...["-X", `lua_script:${dissector}`, "-r", file, "-Y", filter],
		...["-T", "fields", "-E", "separator=|"],
		...fields.flatMap((field) => ["-e", field]),
	]);
	return stdout === "" ? [] : stdout.split("\n").map((line) => line.split("|"));
}

/** "key", as 16 bytes. */
const key = Buffer.from("key".padEnd(16, "\0")).toString("hex");

bpfTest("tunnel packets on the wire are read by the dissector", async (t) => {
	const net = await network(t);
	const { client, core, gateway, node } = net;
	await configure(net);
	await tunnel(net, 4);
	await serve([gateway, node], { inside: 6, tunnel: 4, group: 7 });
	await backend(node, { http: 80, udp: 90 });
	const file = path.join(ownDirectory(t), "wire.pcap");
	const wire = core.spawn("sh", [
		"-c",
		`exec tcpdump -U --immediate-mode -i to-node -w ${file} udp port 6080 2>&1`,
	]);
	await wire.ready(/listening on to-node/);

	await askHttp(client, addresses[6].proxy, 80, 1000);
	await cli(node, "cli_tunnel ping 4 --count 1");
	for (const host of [gateway, node])
		await cli(
			host,
			`cli_service set 9 7 udp ${addresses[4].proxy} 99 ${addresses[4].node} 99 4 --signing-key s`,
		);
	await cli(node, "cli_tunnel ping 4 --count 1");
	// What tcpdump has not read yet when it is stopped is lost: the answer comes last.
	while (
		(await tshark(core, file, "sluice.ctype == 3", "frame.number")).length === 0
	)
		await sleep(100);
	await wire.stop("SIGTERM");

	const inner = await tshark(
		core,
		file,
		'sluice && http.request.method == "GET"',
		...["sluice.service", "sluice.group", "sluice.key", "sluice.proto"],
		...["ip.src", "ip.dst", "ipv6.dst", "tcp.dstport"],
	);
	t.deepEqual(inner, [
		[
			...["1", "7", key, "41"],
			...[addresses[4].gateway, addresses[4].node, addresses[6].node, "80"],
		],
	]);
	const replies = await tshark(
		core,
		file,
		"sluice && http.response",
		"frame.number",
	);
	t.is(replies.length, 2, "of the download and of the upload");
	const [ping, ...more] = await tshark(
		core,
		file,
		"sluice.control == 1",
		...["sluice.service", "sluice.group", "sluice.key", "sluice.tunnel"],
		"_ws.col.Info",
	);
	t.deepEqual(ping?.slice(2, 4), [key, "4"]);
	t.regex(ping?.[4] ?? "", /^GUE ping, service \d+ 7 tunnel 4$/);
	t.deepEqual(
		more.map((row) => row[4]),
		[
			"GUE signed ping, service 9 7 tunnel 4",
			"GUE ping answer, service 9 7 tunnel 4 heard",
		],
	);
	const [seen] = await tshark(
		core,
		file,
		"sluice.ctype == 3",
		...["sluice.from", "sluice.port", "sluice.key"],
	);
	t.deepEqual(seen, [`::ffff:${addresses[4].node}`, "6080", ""]);
	t.deepEqual(await tshark(core, file, "!sluice", "frame.number"), []);
	t.deepEqual(await tshark(core, file, "_ws.malformed", "frame.number"), []);
});

bpfTest("a capture of dump says what became of real traffic", async (t) => {
	const net = await network(t);
	const { client, gateway, node } = net;
	await configure(net);
	await cli(gateway, "cli_cfg set wan 1 1 proxy,snat,fib,dump gateway");
	await cli(gateway, "cli_cfg set wan 0 1 gue,dnat,dump gateway");
	await tunnel(net, 4);
	await serve([gateway, node], { inside: 4 });
	await backend(node, { http: 80, udp: 90 });
	const file = await dumped(t, gateway, () =>
		askHttp(client, addresses[4].proxy, 80, 1000),
	);
	const packets = await tshark(
		gateway,
		file,
		"tcp.flags.syn == 1",
		...["frame.interface_name", "frame.packet_flags_direction"],
		...["frame.comment", "sluice.service"],
	);
	t.deepEqual(packets.slice(0, 4), [
		["wan", "0x00000002", "before", ""],
		["wan", "0x00000002", "after: encapsulated", "1"],
		["wan", "0x00000001", "before", "1"],
		["wan", "0x00000001", "after: decapsulated", ""],
	]);
});
