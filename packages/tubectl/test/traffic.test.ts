import { execFileSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { statSync } from "node:fs";
import { openTable } from "@sluice/maps";
import { destinationsTable, socketsTable } from "@sluice/maps/tables";
import { kernelTest, ownDispatcher } from "./helpers/own-host.js";
import { datagrams, descriptor, greeter, greeting } from "./helpers/servers.js";
import { json, must } from "./helpers/tubectl.js";

ownDispatcher();

const us = String(process.pid);

kernelTest(
	"One port of a subnet, every port of an address, and nothing else",
	async (t) => {
		const { port } = await greeter(t, "foo");
		await must("bind", "foo", "tcp", "127.8.0.0/16", "80");
		await must("bind", "foo", "tcp", "127.9.0.1", "0");
		await must("register-pid", us, "foo", "tcp", "127.0.0.1", String(port));
		t.is(await greeting("127.8.0.1", 80), "foo");
		t.is(await greeting("127.8.255.255", 80), "foo");
		t.is(await greeting("127.8.0.1", 81), "ECONNREFUSED");
		t.is(await greeting("127.9.0.1", 1), "foo");
		t.is(await greeting("127.9.0.1", 65_535), "foo");
		t.is(await greeting("127.9.0.2", 80), "ECONNREFUSED");
		const [{ lookups, misses, errors }] = (await json("status")).destinations;
		t.deepEqual(
			{ lookups, misses, errors },
			{ lookups: 4, misses: 0, errors: 0 },
		);
	},
);

kernelTest("IPv6 has destinations of its own", async (t) => {
	const v4 = await greeter(t, "four");
	const v6 = await greeter(t, "six", { host: "::1", ipv6Only: true });
	await must("bind", "foo", "tcp", "127.8.0.0/16", "0");
	await must("bind", "foo", "tcp", "2001:db8::/64", "0");
	await must("register-pid", us, "foo", "tcp", "127.0.0.1", String(v4.port));
	await must("register-pid", us, "foo", "tcp", "::1", String(v6.port));
	t.is(await greeting("127.8.0.1", 7), "four");
	t.is(await greeting("2001:db8::7", 7), "six");
});

kernelTest(
	"The longer prefix wins, and a port wins over every port",
	async (t) => {
		for (const [name, subnet, port] of [
			["wide", "127.8.0.0/16", "80"],
			["every", "127.8.1.0/24", "0"],
			["port", "127.8.1.0/24", "80"],
			["host", "127.8.1.1", "0"],
		] as const) {
			const server = await greeter(t, name);
			await must("bind", name, "tcp", subnet, port);
			await must(
				"register-pid",
				us,
				name,
				"tcp",
				"127.0.0.1",
				String(server.port),
			);
		}
		t.is(await greeting("127.8.2.1", 80), "wide");
		t.is(await greeting("127.8.1.2", 81), "every");
		t.is(await greeting("127.8.1.2", 80), "port");
		t.is(await greeting("127.8.1.1", 80), "host");
		await must("unbind", "host", "tcp", "127.8.1.1", "0");
		t.is(await greeting("127.8.1.1", 80), "port");
	},
);

kernelTest("Datagrams reach the socket that is registered", async (t) => {
	for (const [bound, subnet, target] of [
		["127.0.0.1", "127.8.0.0/16", "127.8.3.3"],
		["::1", "2001:db8::/64", "2001:db8::99"],
	] as const) {
		const { socket, port } = await datagrams(t, bound);
		await must("bind", "foo", "udp", subnet, "0");
		await must("register-pid", us, "foo", "udp", bound, String(port));
		const client = createSocket(bound.includes(":") ? "udp6" : "udp4");
		t.teardown(() => void client.close());
		client.send("hello", 5353, target);
		const [message] = await once(socket, "message");
		t.is(String(message), "hello");
	}
});

kernelTest(
	"Traffic without a socket is dropped, and never goes to another socket",
	async (t) => {
		// Somebody else listens on every address.
		const other = await greeter(t, "other", { host: "0.0.0.0" });
		t.is(await greeting("127.8.0.1", other.port), "other");
		await must("bind", "foo", "tcp", "127.8.0.0/16", "0");
		t.is(await greeting("127.8.0.1", other.port), "ECONNREFUSED");
		const [{ lookups, misses, errors }] = (await json("status")).destinations;
		t.deepEqual(
			{ lookups, misses, errors },
			{ lookups: 1, misses: 1, errors: 0 },
		);
	},
);

kernelTest("Nothing is steered once unload has returned", async (t) => {
	const other = await greeter(t, "other", { host: "0.0.0.0" });
	for (let round = 0; round < 20; round++) {
		await must("bind", "foo", "tcp", "127.8.0.0/16", "0");
		t.is(await greeting("127.8.0.1", other.port), "ECONNREFUSED");
		await must("unload");
		t.is(await greeting("127.8.0.1", other.port), "other");
		await must("load");
	}
});

kernelTest("A closed socket leaves its destination without one", async (t) => {
	const { server, port } = await greeter(t, "foo");
	await must("bind", "foo", "tcp", "127.8.0.0/16", "0");
	await must("register-pid", us, "foo", "tcp", "127.0.0.1", String(port));
	t.is(await greeting("127.8.0.1", 80), "foo");
	server.close();
	await once(server, "close");
	t.is(await greeting("127.8.0.1", 80), "ECONNREFUSED");
	t.is((await json("status")).destinations[0].socket, null);
});

kernelTest(
	"Traffic for a socket that is unfit is dropped and counted",
	async (t) => {
		// tubectl refuses such a socket; another tool might have put it there.
		const { server } = await greeter(t, "six", { host: "::1", ipv6Only: true });
		await must("bind", "foo", "tcp", "127.8.0.0/16", "0");
		const directory = `/sys/fs/bpf/${statSync("/proc/self/ns/net").ino}_dispatcher`;
		const sockets = openTable(socketsTable, directory);
		const destinations = openTable(destinationsTable, directory);
		for (const [, { id }] of destinations.entries())
			sockets.set(id, BigInt(descriptor(server)));
		sockets.close();
		destinations.close();
		t.is(await greeting("127.8.0.1", 80), "ECONNREFUSED");
		const [{ lookups, misses, errors }] = (await json("status")).destinations;
		t.deepEqual(
			{ lookups, misses, errors },
			{ lookups: 1, misses: 0, errors: 1 },
		);
	},
);

kernelTest(
	"Bindings that another tool wrote are as good as ours",
	async (t) => {
		const { port } = await greeter(t, "foo");
		await must("bind", "foo", "tcp", "127.8.0.1", "80");
		await must("register-pid", us, "foo", "tcp", "127.0.0.1", String(port));
		const directory = `/sys/fs/bpf/${statSync("/proc/self/ns/net").ino}_dispatcher`;
		const hex = (text: string) => text.split(" ");
		const bpftool = (...args: string[]) =>
			execFileSync("bpftool", ["map", ...args]);
		// 127.8.0.2/32, tcp, port 81: 152 bits.
		const key =
			"98 00 00 00 06 51 00 00 00 00 00 00 00 00 00 00 00 ff ff 7f 08 00 02";
		bpftool(
			...[
				"update",
				"pinned",
				`${directory}/bindings`,
				"key",
				"hex",
				...hex(key),
			],
			...["value", "hex", ...hex("00 00 00 00 98 00 00 00")],
		);
		t.is(await greeting("127.8.0.2", 81), "foo");
		t.is((await json("bindings")).bindings.length, 2);
		bpftool(
			"delete",
			"pinned",
			`${directory}/bindings`,
			"key",
			"hex",
			...hex(key),
		);
		t.is(await greeting("127.8.0.2", 81), "ECONNREFUSED");
	},
);
