// Needs root and BPF: real datagrams while one udplb replaces another of another release.
import { writeFile } from "node:fs/promises";
import path from "node:path";
import {
	type Host,
	needs,
	type Running,
	testbed,
	testWith,
} from "@sluice/testbed";
import test from "ava";
import { bin } from "../helpers/cli.js";
import { ownDirectory } from "../helpers/own-directory.js";
import { lastReleaseBuilt } from "../helpers/release.js";
import { startFlow } from "../helpers/traffic.js";

const bpfTest = testWith(test.serial, needs.root, needs.bpf);

/** The key is the box's own address. */
const BOX = "10.1.0.1";
const UPSTREAM = "10.2.0.2";

bpfTest(
	"udplb takes over from a running one of the last release, and loses no datagram",
	async (t) => {
		t.timeout(1_800_000);
		const old = lastReleaseBuilt()("udplb");
		const bed = testbed(t);
		const client = await bed.host("client");
		const box = await bed.router("box");
		const upstream = await bed.host("upstream");
		await bed.link(
			{ host: client, name: "eth0", addresses: ["10.1.0.2/24"] },
			{ host: box, name: "b0", addresses: [`${BOX}/24`] },
		);
		await bed.link(
			{ host: box, name: "b1", addresses: ["10.2.0.1/24"] },
			{ host: upstream, name: "eth0", addresses: [`${UPSTREAM}/24`] },
		);
		await upstream.run("nft", ["-f", "-"], {
			input: `table ip upstream {
				chain input {
					type filter hook input priority 0
					udp dport 6000 counter drop
				}
			}`,
		});
		const config = path.join(ownDirectory(t), "config.yaml");
		await writeFile(
			config,
			JSON.stringify(
				[5000, 5001].map((port) => ({
					key: { address: BOX, port },
					options: { tc_action: "block" },
					upstream: [{ address: UPSTREAM, port: 6000 }],
				})),
			),
		);
		const before = await serve(box, old, config);
		const flow = await startFlow(client, BOX, 5000, 2, 1000);
		const after = await serve(box, bin("udplb"), config, "--takeover");
		t.is((await before.ended).exitCode, 0);
		// And once more, by this release.
		await serve(box, bin("udplb"), config, "--takeover");
		t.is((await after.ended).exitCode, 0);
		const { sent } = await flow.stop();
		const { stdout } = await upstream.run("nft", [
			...["list", "table", "ip", "upstream"],
		]);
		t.log(`${sent} datagrams`);
		t.true(sent > 50);
		t.is(Number(/packets (\d+)/.exec(stdout)?.[1]), sent);
		const pins = await box.run("ls", ["/sys/fs/bpf/udplb"]);
		t.is(pins.stdout.split("\n").length, 1, pins.stdout);
	},
);

async function serve(
	box: Host,
	program: string,
	config: string,
	...options: string[]
): Promise<Running> {
	const server = box.spawn(process.execPath, [
		program,
		...["-i", "b0", "-c", config, ...options],
	]);
	await server.ready(/serving/, "stderr");
	return server;
}
