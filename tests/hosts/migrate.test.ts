// Needs root and BPF: real traffic while programs and tables are replaced by those of another release.
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { type Host, needs, testbed, testWith } from "@sluice/testbed";
import test, { type ExecutionContext } from "ava";
import { bin, cli } from "../helpers/cli.js";
import { addresses, type Network, network } from "../helpers/network.js";
import { ownDirectory } from "../helpers/own-directory.js";
import { script } from "../helpers/paths.js";
import { configure, serve, tunnel } from "../helpers/program.js";
import { lastRelease } from "../helpers/release.js";
import { PINS } from "../helpers/scripts.js";
import { backend, bufferFull, startLoad } from "../helpers/traffic.js";
import { watchCore } from "../helpers/watch.js";

const bpfTest = testWith(test.serial, needs.root, needs.bpf);

const { proxy, node: nodeAddress, gateway: gatewayAddress } = addresses[4];

/** The network with the last release attached, one tunnel whose remote is learned, and a TCP and a UDP service. */
async function lastReleaseNetwork(
	net: Network,
	release: string,
): Promise<void> {
	const { gateway, node } = net;
	for (const [host, name] of [
		[gateway, "lan"],
		[gateway, "wan"],
		[node, "eth0"],
	] as const)
		await host.run(script("detach_tc"), [name]);
	for (const host of [gateway, node])
		await host.run("sh", ["-c", `rm ${PINS}/*`]);
	const attach = `${release}/scripts/attach_tc.sh`;
	await gateway.run(attach, ["lan"]);
	await gateway.run(attach, ["wan"]);
	await node.run(attach, ["eth0"]);
	await configure(net);
	await cli(gateway, `cli_tunnel set 4 ${gatewayAddress} 6080 0 0`);
	await cli(
		node,
		`cli_tunnel set 4 ${nodeAddress} 6080 ${gatewayAddress} 6080`,
	);
	await serve([gateway, node], { inside: 4, tcp: 70 });
	await backend(node, { http: 80, udp: 90, tcp: 70 });
	await cli(node, "cli_tunnel ping 4 --count 1");
}

/** A directory with a `tc` that ends the script that runs it once it has replaced so many programs. */
async function killingTc(
	t: ExecutionContext,
	programs: number,
): Promise<string> {
	const directory = ownDirectory(t);
	await writeFile(
		path.join(directory, "tc"),
		`#!/bin/sh
		case "$*" in
		"filter replace "*)
			/usr/sbin/tc "$@" || exit
			echo >>${directory}/replaced
			[ "$(wc -l <${directory}/replaced)" -lt ${programs} ] || kill -KILL $PPID
			;;
		*) exec /usr/sbin/tc "$@" ;;
		esac`,
		{ mode: 0o755 },
	);
	return directory;
}

/** How many of the gateway's programs use the pinned table of tunnels. */
async function usePinned(gateway: Host): Promise<number> {
	const bpftool = async (...args: string[]) =>
		JSON.parse((await gateway.run("bpftool", ["--json", ...args])).stdout);
	const { id } = await bpftool("map", "show", "pinned", `${PINS}/map_tunnel`);
	let count = 0;
	for (const device of ["lan", "wan", "tun0"])
		for (const hook of ["ingress", "egress"]) {
			const { stdout } = await gateway.run("tc", [
				...["filter", "show", "dev", device, hook],
			]);
			const [, program = ""] = / id (\d+) name/.exec(stdout) ?? [];
			const { map_ids } = await bpftool("prog", "show", "id", program);
			if (map_ids.includes(id)) count++;
		}
	return count;
}

/** The tunnels, without what changes by itself as time goes by. */
const tunnels = async (host: Host) =>
	(await cli(host, "cli_tunnel get all --json")).stdout.replaceAll(
		/"lastPing(Age|Time)":[^,]*,/g,
		"",
	);

/** Packets that the tunnel has counted, both directions. */
async function counterOf(host: Host): Promise<number> {
	const { stdout } = await cli(host, "cli_tunnel stats 4 --json");
	return [...stdout.matchAll(/"packets": ?(\d+)/g)].reduce(
		(sum, [, n]) => sum + Number(n),
		0,
	);
}

bpfTest(
	"from the last release to this one, to another size, and back, under load: nothing is lost",
	async (t) => {
		const release = lastRelease();
		const net = await network(t);
		const { client, gateway, core, node } = net;
		await lastReleaseNetwork(net, release);
		const inClear = await watchCore(core);
		const learned = await tunnels(gateway);
		t.regex(learned, new RegExp(`"${nodeAddress.replaceAll(".", "\\.")}"`));

		const load = await startLoad(client, proxy, { tcp: 70, udp: 90 });
		const migrate = async (
			args: string[],
			env: Record<string, string> = {},
		) => {
			const before = await counterOf(gateway);
			for (const host of [gateway, node])
				await host.run(script("reattach_tc"), ["--migrate", ...args], { env });
			t.true((await counterOf(gateway)) >= before, "counters are kept");
			t.is(await tunnels(gateway), learned, "the remote is kept");
		};
		await migrate([]);
		await migrate(["--entries", "5000"]);
		await migrate(["--entries", "70000"]);
		await migrate([], { SLUICE_BPF_DIR: `${release}/bpf/dist` });
		await migrate([]);
		const { tcp, udp } = await load.stop();

		t.log(`${tcp.sent} messages over TCP, ${udp.sent} over UDP`);
		t.true(tcp.sent > 100);
		t.is(tcp.answered, tcp.sent);
		const full = (await bufferFull(client)) + (await bufferFull(node));
		t.is(udp.answered + full, udp.sent);
		t.deepEqual(await inClear(), [0, 0]);
		for (const host of [gateway, node]) {
			t.is((await host.run("ls", ["/sys/fs/bpf/tc"])).stdout, "globals");
			await cli(host, "cli_service check");
		}
	},
);

bpfTest(
	"the pinned tables have the layouts that the last release gave them",
	async (t) => {
		// A pinned value never grows: a change that this refuses is a table of its own.
		const release = lastRelease();
		const net = await network(t);
		const { node } = net;
		await node.run(script("detach_tc"), ["eth0"]);
		await node.run("sh", ["-c", `rm ${PINS}/*`]);
		await node.run(`${release}/scripts/attach_tc.sh`, ["eth0"]);
		const { stdout: pinned } = await node.run("ls", [PINS]);
		const { stdout } = await node.run(script("reattach_tc"), ["--migrate"]);
		const same = [...stdout.matchAll(/^(\w+): kept$/gm)].map(
			([, name]) => name,
		);
		t.deepEqual(
			same.sort(),
			pinned
				.split("\n")
				.filter(
					(name) =>
						!/^map_(events_tmp|icmp_limit|journal|memo|route)$/.test(name),
				)
				.sort(),
			stdout,
		);
	},
);

bpfTest(
	"a migration that is killed at any time leaves the old tables or the new ones, and the next one finishes",
	async (t) => {
		const net = await network(t);
		const { node } = net;
		await cli(
			node,
			`cli_tunnel set 4 ${nodeAddress} 6080 ${gatewayAddress} 6080`,
		);
		const before = await tunnels(node);
		const migrate = `${script("reattach_tc")} --migrate --entries`;
		const start = performance.now();
		await node.run("bash", ["-c", `${migrate} 3000`]);
		const duration = performance.now() - start;
		let finished = 0;
		for (let i = 1; i <= 12; i++) {
			const seconds = ((i / 11) * duration) / 1000;
			const line = `timeout -s KILL ${seconds.toFixed(3)} ${migrate} ${i % 2 ? 4000 : 3000}`;
			const { exitCode } = await node.run("bash", ["-c", line], {
				reject: false,
			});
			if (exitCode === 0) finished++;
			t.is(await tunnels(node), before, `killed after ${seconds} s`);
		}
		t.log(`${finished} of 12 finished`);
		await node.run(script("reattach_tc"), ["--migrate", "--entries", "5000"]);
		t.is(await tunnels(node), before);
		t.is((await node.run("ls", ["/sys/fs/bpf/tc"])).stdout, "globals");
		t.is((await node.run(script("show_tc"), ["eth0"])).stderr, "");
		// A plain reattach keeps the size.
		await node.run(script("reattach_tc"), ["eth0"]);
		const { stdout } = await node.run("bpftool", [
			...["map", "show", "pinned", `${PINS}/map_tunnel`],
		]);
		t.regex(stdout, /max_entries 5000/);
	},
);

for (const last of [1, 6])
	bpfTest(
		`a migration that is killed after program ${last} of 6 is finished by the next script; nothing is written meanwhile`,
		async (t) => {
			const net = await network(t);
			const { gateway } = net;
			await tunnel(net, 4);
			await gateway.run("ip", ["tuntap", "add", "tun0", "mode", "tun"]);
			await gateway.run(script("attach_tc"), ["tun0"]);
			const before = await tunnels(gateway);
			const stream = gateway.spawn(process.execPath, [
				...[bin("cli_tunnel"), "batch", "--stream", "-"],
			]);
			stream.write("@1 set 5 10.2.0.2 6080 0 0\n@2 del 5\n");
			await stream.ready(/^@2\tok/m);
			const killing = await killingTc(t, last);
			const { signal } = await gateway.run(
				script("reattach_tc"),
				["--migrate", "--entries", "3000"],
				{ reject: false, env: { PATH: `${killing}:${process.env.PATH}` } },
			);
			t.is(signal, "SIGKILL");
			const { exitCode, stderr } = await cli(
				gateway,
				"cli_tunnel set 5 10.2.0.2 6080 0 0",
				{ reject: false },
			);
			const refusal = `${PINS}: a migration was killed while it replaced the programs, which now use two sets of tables; reattach_tc.sh --migrate finishes it`;
			t.is(exitCode, 1);
			t.is(stderr, `cli_tunnel: set: ${refusal}`);
			stream.write("@3 set 5 10.2.0.2 6080 0 0\n");
			await stream.ready(/^@3\t.*\n/m);
			t.is(stream.stdout.split("\n").at(2), `@3\terror\t${refusal}`);
			const next = await gateway.run(script("reattach_tc"), ["lan"]);
			t.is(
				next.stderr,
				"reattach_tc.sh: warning: a migration had been killed; it is finished now",
			);
			t.is(await tunnels(gateway), before);
			t.is((await gateway.run("ls", ["/sys/fs/bpf/tc"])).stdout, "globals");
			stream.write("@4 set 5 10.2.0.2 6080 0 0\n");
			await stream.ready(/^@4\tok/m);
			t.regex((await cli(gateway, "cli_tunnel get 5")).stdout, /10\.2\.0\.2/);
			t.is(await usePinned(gateway), 6);
		},
	);

bpfTest(
	"a migration waits until the kernel has freed a replaced program, and refuses one that stays",
	async (t) => {
		const bed = testbed(t);
		const host = await bed.host("host");
		await host.run("ip", ["link", "add", "eth0", "type", "veth"]);
		await host.run(script("attach_tc"), ["eth0"]);
		const { stdout } = await host.run("tc", [
			...["filter", "show", "dev", "eth0", "ingress"],
		]);
		const [, id = ""] = / id (\d+) /.exec(stdout) ?? [];
		const held = "/sys/fs/bpf/held";
		await host.run("bpftool", ["prog", "pin", "id", id, held]);
		await host.run(script("reattach_tc"), ["eth0"]);
		const migrate = () =>
			host.run(script("reattach_tc"), ["--migrate"], { reject: false });

		const refused = await migrate();
		t.is(refused.exitCode, 1);
		t.is(
			refused.stderr,
			`reattach_tc.sh: program ${id} (pfc_ingress) uses the tables, and is not attached to an interface of this network namespace; nothing was changed; detach it first`,
		);
		const [migrated] = await Promise.all([
			migrate(),
			// It exists before other programs are looked for.
			host.run("sh", [
				"-c",
				`until [ -d ${PINS}_new ]; do sleep 0.01; done; sleep 0.5; rm ${held}`,
			]),
		]);
		t.like(migrated, { exitCode: 0, stderr: "" });
	},
);

bpfTest("others' pins and directories survive a migration", async (t) => {
	const net = await network(t);
	const { node } = net;
	await node.run("sh", [
		"-ec",
		`bpftool map create ${PINS}/theirs type array key 4 value 4 entries 1 name theirs
		mkdir ${PINS}/dir
		bpftool map create ${PINS}/dir/inner type array key 4 value 4 entries 1 name inner`,
	]);
	await node.run(script("reattach_tc"), ["--migrate", "--entries", "3000"]);
	const { stdout } = await node.run("find", [PINS, "-name", "[ti]*"]);
	t.deepEqual(stdout.split("\n").sort(), [
		`${PINS}/dir/inner`,
		`${PINS}/theirs`,
	]);
});
