// StatsD metrics of four senders come in at a host whose own collector listens on port 8125. udplb lets each packet go
// on to it, and sends a copy to one of two collectors behind: always the same one for a sender.
//
//   npm run demo -w examples/udplb      (as root; each host is a network namespace)

import { createRequire } from "node:module";
import path from "node:path";
import { type Host, type Running, testbed } from "@sluice/testbed";

const udplb = path.join(
	path.dirname(
		createRequire(import.meta.url).resolve("@sluice/udplb/package.json"),
	),
	"dist/udplb.cjs",
);
const config = path.join(import.meta.dirname, "config.yaml");

const SENDERS = [7, 8, 9, 10].map((n) => `192.168.122.${n}`);
const COLLECTORS = ["192.168.123.23", "192.168.123.24"];
const BALANCER = "192.168.122.46";
const PACKETS = 5;

const bed = testbed();
try {
	const balancer = await bed.host("balancer");
	const app = await bed.host("app");
	const behind = await bed.host("behind");
	await bed.link(
		{
			host: app,
			name: "ens3",
			addresses: SENDERS.map((one) => `${one}/24`),
		},
		{ host: balancer, name: "ens3", addresses: [`${BALANCER}/24`] },
	);
	await bed.link(
		{ host: balancer, name: "ens4", addresses: ["192.168.123.1/24"] },
		{
			host: behind,
			name: "ens3",
			addresses: COLLECTORS.map((one) => `${one}/24`),
		},
	);

	const collectors = new Map<string, Running>();
	collectors.set("local", await collect(balancer, BALANCER));
	for (const address of COLLECTORS)
		collectors.set(address, await collect(behind, address));

	console.log(`$ udplb -d -i ens3 -c config.yaml`);
	const server = balancer.spawn(process.execPath, [
		...[udplb, "-d", "-i", "ens3", "-c", config],
	]);
	await server.ready(/serving.*(\n.*Key.*){2}/, "stderr");

	for (const sender of SENDERS) await send(app, sender);
	await server.ready(
		new RegExp(`(copied[\\s\\S]*){${SENDERS.length * PACKETS}}`),
		"stderr",
	);
	console.log(server.stderr);

	const { stdout } = await balancer.run(process.execPath, [udplb, "stats"]);
	console.log(`$ udplb stats\n${stdout}\n`);
	await server.stop();
	show(collectors);
} finally {
	await bed.close();
}

/** A collector that prints the metrics it gets. */
async function collect(host: Host, address: string): Promise<Running> {
	const collector = host.spawn(process.execPath, [
		"-e",
		`require("node:dgram").createSocket("udp4")
			.on("message", (metric) => console.log(String(metric)))
			.bind(8125, "${address}", () => console.log("listening"))`,
	]);
	await collector.ready(/listening/);
	return collector;
}

/** Sends metrics as a StatsD client does: a packet each, without an answer. */
async function send(host: Host, from: string): Promise<void> {
	await host.run(process.execPath, [
		"-e",
		`const socket = require("node:dgram").createSocket("udp4");
		let left = ${PACKETS};
		socket.bind(0, "${from}", () => {
			for (let i = 0; i < ${PACKETS}; i++)
				socket.send("logins.${from}:1|c", 8125, "${BALANCER}", () => {
					if (--left === 0) socket.close();
				});
		})`,
	]);
}

/** Prints who got what, and ends the process with 1 where that is not what it should be. */
function show(collectors: ReadonlyMap<string, Running>): void {
	const got = new Map<string, Map<string, number>>();
	for (const [name, { stdout }] of collectors) {
		const counts = new Map<string, number>();
		for (const [, sender = ""] of stdout.matchAll(/logins\.([\d.]+):1\|c/g))
			counts.set(sender, (counts.get(sender) ?? 0) + 1);
		got.set(name, counts);
		const list = [...counts].map(([sender, n]) => `${n} of ${sender}`);
		console.log(`${name} got ${list.join(", ") || "nothing"}`);
	}
	for (const sender of SENDERS) {
		const copies = COLLECTORS.map((one) => got.get(one)?.get(sender) ?? 0);
		const whole = copies.filter((n) => n === PACKETS).length === 1;
		if (got.get("local")?.get(sender) === PACKETS && whole) continue;
		console.error(`${sender}: expected ${PACKETS} here and at one collector`);
		process.exitCode = 1;
	}
}
