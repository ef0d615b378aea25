import { readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import type { Running } from "@sluice/testbed";
import { key } from "./helpers/configuration.js";
import { it, sharedLab } from "./helpers/lab.js";
import { BOX, CLIENT, PORT, UPSTREAM, UPSTREAMS } from "./helpers/site.js";

const lab = sharedLab((lab) => lab.agents.upstream.listen(2222, ...UPSTREAMS));

const request = { from: CLIENT, to: BOX, port: PORT, sizes: [8] };

/** How many of ten datagrams arrive. */
async function arriving(): Promise<number> {
	const ports = Array.from({ length: 10 }, (_, i) => 7000 + i);
	await lab.agents.client.send({ ...request, ports });
	return (await lab.agents.upstream.take(10, 2000)).length;
}

const filters = async (device = "b0") =>
	(await lab.box.run("tc", ["filter", "show", "dev", device, "ingress"]))
		.stdout;
const pins = async () =>
	(await lab.box.run("find", ["/sys/fs/bpf", "-name", "upstreams"])).stdout;
const send = (server: Running, signal: string) =>
	lab.box.run("kill", [`-${signal}`, String(server.pid)]);

/** Starts udplb by hand, on an interface of choice. */
const start = (...args: string[]) =>
	lab.box.spawn(process.execPath, ["dist/udplb.cjs", ...args]);

for (const [title, text, message] of [
	[
		"an alias without its anchor",
		"- key: { address: *a, port: 1 }\n",
		/reload: \S+: not YAML: no anchor &a before it\n/,
	],
	[
		"an alias bomb",
		`- &a0 [x, x, x, x, x, x, x, x, x]\n${Array.from(
			{ length: 9 },
			(_, i) => `- &a${i + 1} [${Array(9).fill(`*a${i}`).join(", ")}]\n`,
		).join("")}`,
		/reload: \S+: not YAML: excessive alias count/,
	],
	[
		"a host name without an address",
		key({ upstreams: ["no-such-host.invalid"] }),
		/reload: \S+: \[0\]\.upstream\[0\]\.address: expected a host name/,
	],
] as const)
	it(`a reload with ${title} leaves the running configuration`, async (t) => {
		const server = await lab.serve(key());
		await lab.reload(server, text);
		t.regex(server.stderr, message);
		t.regex(server.stderr, /the running configuration stays\n$/);
		t.is(await arriving(), 10);
		await lab.reload(server, key());
		t.regex(server.stderr, /reloaded: 0 keys added, 0 changed, 0 removed\n$/);
	});

it("what the kernel refuses in the middle of a reload is written back", async (t) => {
	const server = await lab.serve(key());
	// No memory for another program with larger tables.
	const many = Array.from({ length: 3000 }, (_, i) =>
		key({ port: 20_000 + i, upstreams: UPSTREAMS.slice(0, 3) }),
	).join("");
	await lab.box.run("prlimit", [
		...["--pid", String(server.pid), "--nofile=20:"],
	]);
	await lab.reload(server, key({ action: "pass" }) + many);
	t.regex(
		server.stderr,
		/reload: [^\n]*\n(.*\n)*.*the running configuration stays\n$/,
	);
	t.is(await arriving(), 10);
	await lab.box.run("prlimit", [
		...["--pid", String(server.pid), "--nofile=1024:"],
	]);
	await lab.reload(server, key({ upstreams: UPSTREAMS.slice(0, 2) }));
	t.regex(server.stderr, /reloaded: 0 keys added, 1 changed, 0 removed\n$/);
	t.is(await arriving(), 10);
});

it("a SIGHUP as early as the program can see one does not end it", async (t) => {
	await lab.stop();
	const server = start("-i", "b0", "-c", lab.write(key()));
	// Bit 0 of the signals that are caught is SIGHUP.
	const caught = () =>
		/^SigCgt:\s*[0-9a-f]*[13579bdf]$/m.test(
			readFileSync(`/proc/${server.pid}/status`, "utf8"),
		);
	while (!caught()) await setTimeout(1);
	await send(server, "HUP");
	await server.ready(/reloaded: 0 keys added/, "stderr");
	t.is(await arriving(), 10);
	await server.stop();
	t.is((await server.ended).exitCode, 0);
});

it("a filter that another tool removes is restored, logged and counted", async (t) => {
	const server = await lab.serve(key());
	t.is(await arriving(), 10);
	await lab.box.run("tc", ["qdisc", "del", "dev", "b0", "clsact"]);
	await server.ready(
		/ERRO\[\d+\] the filter on ingress of b0 was removed by another program: restored\n/,
		"stderr",
	);
	t.is(await arriving(), 10);
	t.regex((await lab.run("stats")).stdout, /\nfilter_restored 1\n/);
});

it("a filter that takes its place is logged once and left alone", async (t) => {
	const server = await lab.serve(key());
	const place = ["dev", "b0", "ingress", "pref", "7727"];
	await lab.box.run("tc", ["filter", "del", ...place]);
	await lab.box.run("tc", [
		...["filter", "add", ...place, "protocol", "all"],
		...["u32", "match", "u32", "0", "0", "flowid", "1:1"],
	]);
	await server.ready(
		/a foreign filter \(u32\) has taken its place on ingress of b0\n/,
		"stderr",
	);
	t.regex(await filters(), /u32/);
	await lab.box.run("tc", ["filter", "del", ...place]);
	await server.ready(/restored\n/, "stderr");
	t.is(server.stderr.match(/has taken its place/g)?.length, 1);
	t.is(await arriving(), 10);
});

it("another name of an interface is the same interface", async (t) => {
	await lab.serve(key());
	await lab.box.run("ip", [
		...["link", "property", "add", "dev", "b0", "altname", "a-long-name-of-b0"],
	]);
	const second = await lab.run(
		...["-i", "a-long-name-of-b0", "-c", lab.write(key())],
	);
	t.is(second.exitCode, 1);
	t.regex(second.stderr, /another udplb serves interface "b0" \(process \d+\)/);
	t.is(await arriving(), 10);
	await lab.box.run("ip", [
		...["link", "property", "add", "dev", "b0", "altname", "uplink"],
	]);
	const { stdout } = await lab.run("stats", "-i", "uplink");
	t.regex(stdout, /^interface b0\n/);
});

it("an interface that is renamed is served under its new name, and left clean", async (t) => {
	await lab.stop();
	await lab.box.run("ip", [
		...["link", "add", "e0", "type", "veth", "peer", "name", "e1"],
	]);
	t.teardown(() =>
		lab.box.run("sh", ["-c", "ip link del e9 || ip link del e0"]),
	);
	const file = lab.write(key(), "renamed.yaml");
	const server = start("-i", "e0", "-c", file);
	await server.ready(/serving/, "stderr");
	await lab.box.run("ip", ["link", "set", "e0", "name", "e9"]);
	const second = await lab.run("-i", "e9", "-c", file);
	t.regex(second.stderr, /another udplb serves interface "e9"/);
	await server.ready(/interface e0 is now called e9\n/, "stderr");
	t.regex((await lab.run("stats", "-i", "e9")).stdout, /^interface e9\n/);
	await server.stop();
	t.is((await server.ended).exitCode, 0);
	t.notRegex(await filters("e9"), /udplb/);
	t.is(await pins(), "");
});

it("it ends while the interface goes, with -d, and whatever ip and tc do", async (t) => {
	await lab.stop();
	for (const prepare of [
		"ip link del e0",
		"mount --bind /bin/false /usr/sbin/tc",
		"mount --bind /bin/false /usr/sbin/ip; mount --bind /bin/false /usr/bin/ip",
	]) {
		await lab.box.run("sh", [
			"-c",
			"ip link show e0 >/dev/null 2>&1 || ip link add e0 type veth peer name e1",
		]);
		const server = start("-d", "-i", "e0", "-c", lab.write(key(), "gone.yaml"));
		await server.ready(/serving/, "stderr");
		await lab.box.run("sh", ["-c", prepare]);
		await server.stop();
		t.is((await server.ended).signal, undefined, prepare);
		await lab.box.run("sh", [
			"-c",
			"umount /usr/sbin/tc; umount /usr/sbin/ip; umount /usr/bin/ip; true",
		]);
		t.is(await pins(), "", prepare);
		await lab.box.run("sh", ["-c", "ip link del e0; true"]);
	}
});

it("when the reader of its log goes it continues, and its end is as clean", async (t) => {
	await lab.stop();
	const file = lab.write(key());
	for (const [options, redirect] of [
		["", "2> >(head -n 1 >/dev/null)"],
		["-d", "2> >(head -n 1 >/dev/null)"],
		["-d --json", "> >(head -n 1 >/dev/null) 2>/dev/null"],
	]) {
		const server = lab.box.spawn("bash", [
			"-c",
			`exec ${process.execPath} dist/udplb.cjs ${options} -i b0 -c ${file} ${redirect}`,
		]);
		for (let i = 0; i < 600 && !/udplb/.test(await filters()); i++)
			await setTimeout(50);
		for (let i = 0; i < 3; i++) {
			await send(server, "HUP");
			t.is(await arriving(), 10, options);
		}
		await server.stop();
		t.is((await server.ended).exitCode, 0);
		t.notRegex(await filters(), /udplb/);
		t.is(await pins(), "");
	}
});

it("an upstream on a loopback address is refused, where the kernel would drop what it gets", async (t) => {
	await lab.stop();
	const file = lab.write(key({ upstreams: [UPSTREAM, "127.0.0.1"] }));
	const { exitCode, stderr } = await lab.run("-i", "b0", "-c", file);
	t.is(exitCode, 2);
	t.true(
		stderr.endsWith(
			`udplb: ${file}:9: [0].upstream[1].address: expected an address that packets from outside can reach, got "127.0.0.1"; name another address of this machine`,
		),
	);
});

it("a frame for a multicast or broadcast address of the link is forwarded like any other", async (t) => {
	for (const [action, upstream] of [
		["block", UPSTREAM],
		["pass", UPSTREAM],
		["block", "10.0.2.1"],
	] as const) {
		const server = await lab.serve(key({ action, upstreams: [upstream] }));
		const agent = upstream === UPSTREAM ? lab.agents.upstream : lab.agents.box;
		if (agent === lab.agents.box) await agent.listen(2222, upstream);
		for (const mac of ["ffffffffffff", "01005e000001"])
			await lab.client.run("socat", ["-u", "-", "INTERFACE:c0"], {
				input: Buffer.from(
					// One byte from the client's port 4004 to the key, without a checksum.
					`${mac}02000000000108004500001d00000000401164ce0a0001020a0001010fa40457000900002a`,
					"hex",
				),
			});
		t.is((await agent.take(2)).length, 2, `${action} ${upstream}`);
		await server.stop();
	}
});
