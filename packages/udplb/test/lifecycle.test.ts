import { setTimeout } from "node:timers/promises";
import { key } from "./helpers/configuration.js";
import { it, sharedLab } from "./helpers/lab.js";
import { BOX, CLIENT, PORT, UPSTREAMS } from "./helpers/site.js";

const lab = sharedLab((lab) => lab.agents.upstream.listen(2222, ...UPSTREAMS));

const request = { from: CLIENT, to: BOX, port: PORT };
const flow = (ports: number[]) =>
	lab.agents.client.send({ ...request, ports, sizes: [8] });

const filters = async (direction = "ingress") =>
	(await lab.box.run("tc", ["filter", "show", "dev", "b0", direction])).stdout;
const pins = async () =>
	(await lab.box.run("find", ["/sys/fs/bpf", "-mindepth", "1"])).stdout
		.split("\n")
		.filter((line) => !line.endsWith(".debug"))
		.join("\n");
const programs = async () =>
	(await lab.box.run("sh", ["-c", "bpftool net show dev b0"])).stdout;

it("a reload under load loses nothing, whatever it changes", async (t) => {
	const [a, b, c] = UPSTREAMS as [string, string, string];
	const configs = [
		key({ upstreams: [a, b] }),
		key({ upstreams: [a, b, c] }),
		key({ upstreams: [c] }),
		key({ upstreams: UPSTREAMS, strategy: "src-ip" }),
		key({ upstreams: UPSTREAMS.map((one, i) => [one, i + 1]) }),
		// So many that the tables must grow: another program takes over.
		key({ upstreams: [a, b] }) +
			Array.from({ length: 800 }, (_, i) =>
				key({ port: 30_000 + i, upstreams: UPSTREAMS.slice(0, 3) }),
			).join(""),
		key({ upstreams: [b] }),
	];
	const server = await lab.serve(configs[0] as string);
	const sizes = Array.from({ length: 200 }, () => 8);
	let [sent, done] = [0, false];
	const sending = (async () => {
		for (; !done; sent += sizes.length)
			await lab.agents.client.send({ ...request, sizes, gap: 1 });
	})();
	for (const config of [...configs, ...configs.toReversed()])
		await lab.reload(server, config);
	done = true;
	await sending;
	const arrived = await lab.agents.upstream.take(sent);
	t.is(arrived.length, sent);
	t.true(sent >= sizes.length);
	t.false(server.stderr.includes("ERRO"));
});

it("a reload leaves keys that did not change as they are, with their counters", async (t) => {
	const server = await lab.serve(key() + key({ port: PORT + 1 }));
	await flow([4000, 4001, 4002]);
	await lab.agents.upstream.take(3);
	await lab.reload(server, key() + key({ port: PORT + 2 }));
	t.regex(server.stderr, /reloaded: 1 key added, 0 changed, 1 removed/);
	const { stdout } = await lab.run("stats", "--json");
	const [{ upstreams }] = JSON.parse(stdout).interfaces;
	t.deepEqual(
		upstreams.map((one: { key: { port: number }; packets: number }) => [
			one.key.port,
			one.packets,
		]),
		[
			[PORT, 3],
			[PORT + 2, 0],
		],
	);
	await lab.reload(server, key({ action: "pass" }) + key({ port: PORT + 2 }));
	t.regex(server.stderr, /reloaded: 0 keys added, 1 changed, 0 removed/);
});

it("a bad file is refused whole with its line, and what runs stays", async (t) => {
	const server = await lab.serve(key());
	await lab.reload(
		server,
		`${key({ upstreams: [UPSTREAMS[1] as string] })}- key: { address: 1.2.3.4, port: 0 }\n  upstream: []\n`,
	);
	t.regex(
		server.stderr,
		/reload: \S+config\.yaml:9: \[1\]\.key\.port: expected an integer from 1 to 65535, got 0\n/,
	);
	t.regex(server.stderr, /the running configuration stays\n$/);
	await flow([4000]);
	const [datagram] = await lab.agents.upstream.take(1);
	t.is(datagram?.at, `${UPSTREAMS[0]}:2222`);
});

it("the end leaves nothing that is ours, and all that is not", async (t) => {
	await lab.stop();
	const foreign = [
		...["protocol", "ip", "u32", "match", "u32", "0", "0", "flowid", "1:1"],
	];
	await lab.box.run("tc", ["qdisc", "add", "dev", "b0", "clsact"], {
		reject: false,
	});
	for (const [direction, preference] of [
		["ingress", "100"],
		["ingress", "9000"],
		["egress", "7727"],
	] as const) {
		const place = ["dev", "b0", direction, "pref", preference];
		await lab.box.run("tc", ["filter", "add", ...place, ...foreign]);
		t.teardown(() => lab.box.run("tc", ["filter", "del", ...place]));
	}
	const before = [await filters(), await filters("egress")];
	for (const signal of ["SIGTERM", "SIGINT"] as const) {
		const server = await lab.serve(key());
		t.regex(await filters(), /pref 7727 bpf .* name udplb/);
		t.regex(await filters(), /pref 100 u32/);
		t.not(await pins(), "");
		await server.stop(signal);
		t.is((await server.ended).exitCode, 0);
		t.deepEqual([await filters(), await filters("egress")], before);
		t.is(await pins(), "");
	}
	t.regex(
		(await lab.box.run("tc", ["qdisc", "show", "dev", "b0"])).stdout,
		/clsact/,
	);
});

it("a foreign filter with our preference is left alone, and logged", async (t) => {
	await lab.stop();
	const place = ["dev", "b0", "ingress", "pref", "7727"];
	await lab.box.run("tc", [
		...["filter", "add", ...place, "protocol", "all"],
		...["u32", "match", "u32", "0", "0", "flowid", "1:1"],
	]);
	t.teardown(() => lab.box.run("tc", ["filter", "del", ...place]));
	const before = await filters();
	const { exitCode, stderr } = await lab.run(
		"-i",
		"b0",
		"-c",
		lab.write(key()),
	);
	t.is(exitCode, 1);
	t.regex(
		stderr,
		/udplb: ingress of b0: pref 7727 is taken by another filter \(u32\); see "tc filter show dev b0 ingress"$/,
	);
	t.is(await filters(), before);
	t.is(await pins(), "");
});

it("killed, it goes on forwarding, and a fresh start takes over without loss", async (t) => {
	const killed = await lab.serve(key());
	await lab.box.run("kill", ["-KILL", String(killed.pid)]);
	await killed.ended;
	await flow([4000]);
	t.is((await lab.agents.upstream.take(1)).length, 1);
	const sizes = Array.from({ length: 600 }, () => 8);
	const sending = lab.agents.client.send({ ...request, sizes, gap: 1 });
	const server = await lab.serve(key());
	await sending;
	t.is((await lab.agents.upstream.take(600)).length, 600);
	t.is((await programs()).match(/udplb/g)?.length, 1);
	await server.stop();
	t.is(await pins(), "");
	t.notRegex(await filters(), /udplb/);
	t.notRegex(
		(await lab.box.run("ip", ["neigh", "show", "dev", "b1"])).stdout,
		/managed/,
	);
});

it("--keep leaves it working, and the next start takes it over", async (t) => {
	const staying = await lab.serve(key(), "--keep");
	await staying.stop();
	t.regex(staying.stderr, /stopped; the program stays in place\n$/);
	await flow([4000]);
	t.is((await lab.agents.upstream.take(1)).length, 1);
	t.regex((await lab.run("stats")).stdout, /sent 1\n/);
	const server = await lab.serve(key());
	await server.stop();
	t.is(await pins(), "");
});

it("--takeover replaces a running udplb, which ends, and loses nothing", async (t) => {
	const first = await lab.serve(key());
	const sizes = Array.from({ length: 3000 }, () => 8);
	const sending = lab.agents.client.send({ ...request, sizes, gap: 1 });
	const second = lab.box.spawn(process.execPath, [
		...["dist/udplb.cjs", "--takeover", "-i", "b0", "-c", lab.write(key())],
	]);
	await second.ready(/serving/, "stderr");
	t.is((await first.ended).exitCode, 0);
	await sending;
	t.is((await lab.agents.upstream.take(3000, 10_000)).length, 3000);
	t.is((await programs()).match(/udplb/g)?.length, 1);
	t.regex((await lab.run("stats")).stdout, /^interface b0\n/);
	await second.stop();
	t.is(await pins(), "");
	t.notRegex(await filters(), /udplb/);
});

it("one interface is served by one process, another by another", async (t) => {
	await lab.serve(key());
	const second = await lab.run("-i", "b0", "-c", lab.write(key()));
	t.is(second.exitCode, 1);
	t.regex(
		second.stderr,
		/udplb: another udplb serves interface "b0" \(process \d+\); --takeover replaces it without losing a packet$/,
	);
	await flow([4000]);
	t.is((await lab.agents.upstream.take(1)).length, 1);

	const file = lab.write(
		key({ address: "10.0.2.1", upstreams: [CLIENT] }),
		"b1.yaml",
	);
	const other = lab.box.spawn(process.execPath, [
		...["dist/udplb.cjs", "-i", "b1", "-c", file],
	]);
	await other.ready(/serving/, "stderr");
	await lab.agents.client.listen(2222, CLIENT);
	await lab.agents.upstream.send({
		from: "10.0.2.2",
		to: "10.0.2.1",
		port: PORT,
	});
	t.is((await lab.agents.client.take(1)).length, 1);
	const { stdout } = await lab.run("stats", "--json");
	t.deepEqual(
		JSON.parse(stdout).interfaces.map(
			(one: { interface: string; outcomes: { sent: number } }) => [
				one.interface,
				one.outcomes.sent,
			],
		),
		[
			["b0", 1],
			["b1", 1],
		],
	);
	await other.stop();
	await flow([4001]);
	t.is((await lab.agents.upstream.take(1)).length, 1);
});

it("an interface that goes ends it, with a word why", async (t) => {
	await lab.box.run("ip", [
		...["link", "add", "e.10", "type", "veth", "peer", "name", "e1"],
	]);
	const file = lab.write(key(), "gone.yaml");
	const server = lab.box.spawn(process.execPath, [
		...["dist/udplb.cjs", "-i", "e.10", "-c", file],
	]);
	await server.ready(/serving/, "stderr");
	const [{ ifindex: index }] = JSON.parse(
		(await lab.box.run("ip", ["-j", "link", "show", "dev", "e.10"])).stdout,
	);
	t.regex(await pins(), new RegExp(`-${index}/udplb$`, "m"));
	await lab.box.run("ip", ["link", "del", "e.10"]);
	await setTimeout(100);
	t.is((await server.ended).exitCode, 1);
	t.regex(server.stderr, /udplb: interface "e\.10" is gone\n$/);
	t.notRegex(await pins(), new RegExp(`-${index}(/|$)`, "m"));
});
