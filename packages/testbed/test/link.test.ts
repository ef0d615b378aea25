// Needs root: makes namespaces.
import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import { type Host, needs, testbed, testWith } from "../src/index.js";

const rootTest = testWith(test.serial, needs.root);

/** Waits until the kernel calls a link up, which it does some time after its other end is. */
async function isUp(host: Host, name: string): Promise<void> {
	for (;;) {
		const { stdout } = await host.run("ip", ["link", "show", name]);
		if (stdout.includes(" state UP ")) return;
		await sleep(20);
	}
}

rootTest("a packet crosses a router in both families", async (t) => {
	const bed = testbed(t);
	const client = await bed.host("client");
	const router = await bed.router("router");
	const server = await bed.host("server");
	await bed.link(
		{ host: client, name: "eth0", addresses: ["10.0.1.2/24", "fd01::2/64"] },
		{ host: router, name: "left", addresses: ["10.0.1.1/24", "fd01::1/64"] },
	);
	await bed.link(
		{ host: server, name: "eth0", addresses: ["10.0.2.2/24", "fd02::2/64"] },
		{ host: router, name: "right", addresses: ["10.0.2.1/24", "fd02::1/64"] },
	);
	await client.route("default", "10.0.1.1");
	await client.route("default", "fd01::1");
	await server.route("default", "10.0.2.1");
	await server.route("default", "fd02::1");

	for (const address of ["10.0.2.2", "fd02::2"]) {
		const ping = await client.run("ping", ["-c1", "-W5", address]);
		t.regex(ping.stdout, /1 received/);
	}
});

rootTest("a link has the MTU and the offloads it was given", async (t) => {
	const bed = testbed(t);
	const [a, b] = [await bed.host("a"), await bed.host("b")];
	const link = await bed.link(
		{ host: a, name: "eth0.10@x" },
		{ host: b, name: "eth0", mac: "02:00:00:00:aa:bb" },
		{ mtu: 1400, offloads: false },
	);
	const features = async () => {
		const { stdout } = await b.run("ethtool", ["-k", "eth0"]);
		return ["tcp-segmentation", "generic-segmentation", "generic-receive"].map(
			(name) => stdout.match(new RegExp(`${name}-offload: (\\w+)`))?.[1],
		);
	};

	await isUp(a, "eth0.10@x");
	t.regex(
		(await a.run("ip", ["link", "show", "eth0.10@x"])).stdout,
		/mtu 1400.* state UP.*link\/ether 02:00:00:00:00:01/s,
	);
	await isUp(b, "eth0");
	t.regex(
		(await b.run("ip", ["link", "show", "eth0"])).stdout,
		/mtu 1400.* state UP.*link\/ether 02:00:00:00:aa:bb/s,
	);
	t.deepEqual(await features(), ["off", "off", "off"]);

	await link.mtu(9000);
	await link.offloads(true);

	t.regex((await b.run("ip", ["link", "show", "eth0"])).stdout, /mtu 9000/);
	t.deepEqual(await features(), ["on", "on", "on"]);
});

rootTest("a host behind a NAT is seen as the NAT", async (t) => {
	const bed = testbed(t);
	const inside = await bed.host("inside");
	const nat = await bed.router("nat");
	const outside = await bed.host("outside");
	await bed.link(
		{ host: inside, name: "eth0", addresses: ["10.0.1.2/24", "fd01::2/64"] },
		{ host: nat, name: "lan", addresses: ["10.0.1.1/24", "fd01::1/64"] },
	);
	await bed.link(
		{ host: nat, name: "wan", addresses: ["10.0.2.1/24", "fd02::1/64"] },
		{ host: outside, name: "eth0", addresses: ["10.0.2.2/24", "fd02::2/64"] },
	);
	await inside.route("default", "10.0.1.1");
	await inside.route("default", "fd01::1");
	await nat.masquerade("wan");
	for (const [address, seen] of [
		["10.0.2.2", "10.0.2.1"],
		["fd02::2", "fd02::1"],
	] as const) {
		const server = outside.spawn(process.execPath, [
			"-e",
			`require("net").createServer((socket) => {
				console.log("from", socket.remoteAddress);
				socket.end();
			}).listen(80, "${address}", () => console.log("listening"))`,
		]);
		await server.ready(/listening/);
		await inside.run("bash", ["-c", `cat </dev/tcp/${address}/80`]);
		const [, from] = await server.ready(/from (\S+)/);
		t.is(from, seen);
		await server.stop();
	}
});

rootTest("testbeds side by side share nothing", async (t) => {
	const beds = [testbed(t), testbed(t), testbed(t)];

	const seen = await Promise.all(
		beds.map(async (bed) => {
			const [a, b] = [await bed.host("a"), await bed.host("b")];
			await bed.link(
				{ host: a, name: "eth0", addresses: ["10.0.0.1/24"] },
				{ host: b, name: "eth0", addresses: ["10.0.0.2/24"] },
			);
			const ping = await a.run("ping", ["-c1", "-W5", "10.0.0.2"]);
			return ping.stdout;
		}),
	);

	for (const output of seen) t.regex(output, /1 received/);
});
