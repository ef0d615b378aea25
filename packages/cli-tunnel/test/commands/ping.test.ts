import { execFileSync } from "node:child_process";
import { createSocket } from "node:dgram";
import path from "node:path";
import {
	intoPipes,
	type PinnedTables,
	session,
	withTables,
} from "@sluice/cli-kit/testing";
import { Address } from "@sluice/maps/address";
import { tunnelTable, verifyTable } from "@sluice/maps/tables";
import test, { type ExecutionContext } from "ava";
import { cli } from "../../src/cli.js";

const it = withTables(test);
if (process.getuid?.() === 0)
	test.before(() => void execFileSync("ip", ["link", "set", "lo", "up"]));

/** A far end that keeps what it gets, as hex. */
async function farEnd(t: ExecutionContext) {
	const socket = createSocket("udp4");
	const got: { text: string; port: number }[] = [];
	socket.on("message", (bytes, { port }) =>
		got.push({ text: bytes.toString("hex"), port }),
	);
	await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
	t.teardown(() => void socket.close());
	const until = async (count: number) => {
		while (got.length < count)
			await new Promise((resolve) => socket.once("message", resolve));
	};
	return { port: socket.address().port, got, until };
}

function addService(tables: PinnedTables, service: number, key: string) {
	const end = (address: string) => ({
		address: Address.of(address),
		port: 80,
		proto: 6,
	});
	tables.open(verifyTable).set(
		{ service, group: 2 },
		{
			key: Buffer.from(key),
			tunnel: 100,
			proxy: end(`5.5.5.${service}`),
			backend: end(`1.1.1.${service}`),
		},
	);
}

/** A tunnel from this host to itself, which `set` refuses. */
function addTunnel(
	tables: PinnedTables,
	id: number,
	localPort: number,
	remotePort: number,
): void {
	const local = Address.of("127.0.0.1");
	tables
		.open(tunnelTable)
		.set(id, { local, localPort, remote: local, remotePort, lastPing: 0n });
}

it("a ping leaves the tunnel's own endpoint, signed by its first service", async (t, tables) => {
	const { port, got, until } = await farEnd(t);
	addTunnel(tables, 100, 6080, port);
	addService(tables, 9, "nine");
	addService(tables, 3, "0123456789abcdef");
	await session(t, tables, cli, [
		{
			type: "ping 100 --count 2 --interval 0.01",
			out: `PING\t     100\t127.0.0.1:${port}\t1\nPING\t     100\t127.0.0.1:${port}\t2\n`,
		},
		{
			type: "ping all --count 1 --json",
			out: `{"tunnel":100,"to":{"address":"127.0.0.1","port":${port}},"number":1}\n`,
		},
		{
			type: "ping 100 --count 1 --open",
			out: `PING\t     100\t127.0.0.1:${port}\t1\n`,
		},
	]);
	await until(4);
	const full = "2601a0000003000230313233343536373839616263646566" + "00000064";
	t.deepEqual(got, [
		{ text: full, port: 6080 },
		{ text: full, port: 6080 },
		{ text: full, port: 6080 },
		{ text: "2101000000000064", port: 6080 },
	]);
});

it("a path is not measured without a signing key, and a warning says so", async (t, tables) => {
	const far = await farEnd(t);
	addTunnel(tables, 100, 40_101, far.port);
	addService(tables, 1, "key".padEnd(16, "\0"));
	const { code, err } = await tables.run(cli, "ping 100 --count 1 --mtu");
	t.is(code, 0);
	t.is(
		err,
		"cli_tunnel: ping: tunnel 100: --mtu measures nothing: only signed pings are answered; set a signing key at both ends\n",
	);
	await far.until(1);
});

it("what cannot be pinged is said", async (t, tables) => {
	await tables.run(cli, "set 1 127.0.0.1 6081 0 0");
	addTunnel(tables, 2, 6081, 9);
	await tables.run(cli, "set 3 192.0.2.1 6081 192.0.2.2 9");
	await session(t, tables, cli, [
		{
			type: "ping 9 --count 1",
			code: 3,
			err: "cli_tunnel: ping: no tunnel 9\n",
		},
		{
			type: "ping 1 --count 1",
			code: 1,
			err: "cli_tunnel: ping: tunnel 1 has no remote to ping; set its ip-remote and port-remote\n",
		},
		{
			type: "ping 2 --count 1",
			code: 1,
			err: "cli_tunnel: ping: tunnel 2 has no service whose key could prove who pings; set one, or use --open\n",
		},
		{
			type: "ping 3 --count 1 --open --json",
			code: 1,
			err: '{"error":{"code":"EADDRNOTAVAIL","message":"bind 192.0.2.1:6081: EADDRNOTAVAIL","hint":"ip-local must be an address of this machine, with no other program on the port"}}\n',
		},
		{ type: "del all", out: "deleted 3 tunnels\n" },
		{
			type: "ping all --count 1",
			code: 1,
			err: "cli_tunnel: ping: no tunnel has a remote to ping\n",
		},
		{
			type: "ping all --interval 0",
			code: 2,
			err: 'cli_tunnel: ping: interval must be a number of seconds from 0.01 to 86400, got "0"\n',
		},
		{
			type: "ping all --count 0",
			code: 2,
			err: 'cli_tunnel: ping: count must be an integer from 1 to 4294967295, got "0"\n',
		},
	]);
});

it("ping runs until it is stopped, which is no failure", async (t, tables) => {
	const { port } = await farEnd(t);
	addTunnel(tables, 100, 6082, port);
	const bin = path.join(import.meta.dirname, "../../dist/cli_tunnel.cjs");
	for (const signal of ["SIGTERM", "SIGINT"] as const) {
		const ping = intoPipes([bin, "ping", "100", "--open"], {
			TC_BPF_MNT: tables.bpffs,
		});
		await ping.shows(/^PING\t/);
		ping.kill(signal);
		const { code, err } = await ping.ended;
		t.deepEqual([code, err], [0, ""], signal);
	}
});
