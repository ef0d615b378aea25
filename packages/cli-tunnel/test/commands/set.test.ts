import { type Step, session, withTables } from "@sluice/cli-kit/testing";
import { Address } from "@sluice/maps/address";
import { decapTable, type Tunnel, tunnelTable } from "@sluice/maps/tables";
import test from "ava";
import { cli } from "../../src/cli.js";

const it = withTables(test);

const line = (id: number, local: string, remote: string) =>
	`TUN\t${String(id).padStart(8)}\t${local.padStart(16)} -> ${remote}\n`;

const usage =
	"cli_tunnel set <id> <ip-local> <port-local> <ip-remote> <port-remote> [--reset-remote] [--move-after <seconds|never>] [--move-within <prefix>] [--token <off|accept|send|require>] [--source-port <fixed|flow>]";

it("set writes a tunnel and counts its local endpoint", async (t, tables) => {
	await session(t, tables, cli, [
		{
			type: "set 100 172.1.0.4 6080 172.1.0.9 6081",
			out: "TUN\t     100\t  172.1.0.4:6080 -> 172.1.0.9:6081\n",
		},
		{
			type: "set 4294967295 fd00::1 1 fd00::2 65535",
			out: "TUN\t4294967295\t     [fd00::1]:1 -> [fd00::2]:65535\n",
		},
	]);
	t.deepEqual(tables.open(tunnelTable).get(100), {
		local: Address.of("172.1.0.4"),
		localPort: 6080,
		remote: Address.of("172.1.0.9"),
		remotePort: 6081,
		lastPing: 0n,
	});
	t.deepEqual(
		[...tables.open(decapTable).entries()].sort(([a], [b]) => a.port - b.port),
		[
			[{ address: Address.of("fd00::1"), port: 1, proto: 17 }, 1],
			[{ address: Address.of("172.1.0.4"), port: 6080, proto: 17 }, 1],
		],
	);
});

it("set prints the tunnel as JSON", async (t, tables) => {
	await session(t, tables, cli, [
		{
			type: "set 0x64 172.1.0.4 6080 0 0 --json",
			out: '{"id":100,"local":{"address":"172.1.0.4","port":6080},"remote":null,"lastPing":null,"lastPingAge":null,"lastPingTime":null,"learned":false}\n',
		},
		{
			type: "--json set 100 172.1.0.4 6080 ::ffff:172.1.0.9 0x17C0",
			out: '{"id":100,"local":{"address":"172.1.0.4","port":6080},"remote":{"address":"172.1.0.9","port":6080},"lastPing":null,"lastPingAge":null,"lastPingTime":null,"learned":false}\n',
		},
	]);
});

it("tunnels with one local endpoint count it together, also when they move", async (t, tables) => {
	const references = () =>
		[...tables.open(decapTable).entries()]
			.map(([{ address, port }, references]) =>
				[address, port, references].join(" "),
			)
			.sort();
	await tables.run(cli, "set 1 10.0.0.1 6080 0 0");
	await tables.run(cli, "set 2 10.0.0.1 6080 10.0.0.2 6080");
	t.deepEqual(references(), ["10.0.0.1 6080 2"]);
	await tables.run(cli, "set 2 10.0.0.1 6080 10.0.0.3 6080");
	t.deepEqual(references(), ["10.0.0.1 6080 2"]);
	await tables.run(cli, "set 2 10.0.0.1 6081 10.0.0.3 6080");
	t.deepEqual(references(), ["10.0.0.1 6080 1", "10.0.0.1 6081 1"]);
	await tables.run(cli, "set 1 10.0.0.1 6081 0 0");
	t.deepEqual(references(), ["10.0.0.1 6081 2"]);
	await tables.run(cli, "del 1");
	t.deepEqual(references(), ["10.0.0.1 6081 1"]);
	await tables.run(cli, "del 2");
	t.deepEqual(references(), []);
});

for (const [address, kind] of [
	["224.0.0.1", "a multicast address"],
	["255.255.255.255", "a broadcast address"],
	["127.0.0.2", "a loopback address"],
	["0.1.2.3", "the unspecified address"],
	["ff02::1", "a multicast address"],
	["::1", "a loopback address"],
] as const)
	it(`set refuses the remote ${address}`, (t, tables) => {
		const local = address.includes(":") ? "fd00::9" : "192.0.2.9";
		return session(t, tables, cli, [
			{
				type: `set 1 ${local} 6080 ${address} 6080`,
				code: 2,
				err: `cli_tunnel: set: ip-remote must be an address of another machine, got "${address}", ${kind}\n`,
			},
			...(kind === "a loopback address"
				? []
				: [
						{
							type: `set 1 ${address} 6080 ${local} 6080`,
							code: 2,
							err: `cli_tunnel: set: ip-local must be an address of this machine, got "${address}"\n`,
						},
					]),
		]);
	});

const learned: Tunnel = {
	local: Address.of("10.0.0.1"),
	localPort: 6080,
	remote: Address.of("198.51.100.7"),
	remotePort: 40_001,
	lastPing: 123_456n,
};

for (const [title, type, expected] of [
	[
		"a learned remote stays when set leaves the remote to pings",
		"set 1 10.0.0.1 6080 0 0",
		learned,
	],
	[
		"a learned remote stays for the other ways to write none",
		"set 1 ::ffff:10.0.0.1 0x17c0 0.0.0.0 0",
		learned,
	],
	[
		"--reset-remote forgets a learned remote",
		"set 1 10.0.0.1 6080 0 0 --reset-remote",
		{ ...learned, remote: Address.of("::"), remotePort: 0, lastPing: 0n },
	],
	[
		"a learned remote goes with the local endpoint",
		"set 1 10.0.0.1 6081 0 0",
		{
			...learned,
			localPort: 6081,
			remote: Address.of("::"),
			remotePort: 0,
			lastPing: 0n,
		},
	],
	[
		"a remote that is set replaces a learned one",
		"set 1 10.0.0.1 6080 10.0.0.9 1",
		{ ...learned, remote: Address.of("10.0.0.9"), remotePort: 1, lastPing: 0n },
	],
	[
		"setting the remote that was learned changes nothing",
		"set 1 10.0.0.1 6080 198.51.100.7 40001",
		learned,
	],
] as const)
	it(title, async (t, tables) => {
		await tables.run(cli, "set 1 10.0.0.1 6080 0 0");
		const tunnels = tables.open(tunnelTable);
		tunnels.set(1, learned, "exist");
		const { code, out } = await tables.run(cli, `${type} --json`);
		t.is(code, 0);
		t.deepEqual(tunnels.get(1), expected);
		t.is(
			JSON.parse(out).lastPing,
			expected.lastPing === 0n ? null : Number(expected.lastPing),
		);
		const [[endpoint, references] = []] = tables.open(decapTable).entries();
		t.deepEqual([endpoint?.port, references], [expected.localPort, 1]);
	});

it("set is idempotent", async (t, tables) => {
	const step: Step = {
		type: "set 7 10.0.0.1 6080 10.0.0.2 6080",
		out: line(7, "10.0.0.1:6080", "10.0.0.2:6080"),
	};
	await session(t, tables, cli, [
		step,
		step,
		{
			type: "get all",
			out: `${String(step.out).trimEnd()}\tset\tno ping\nDECAP\tudp\t10.0.0.1:6080\t1\n1 tunnel, 1 local endpoint\n`,
		},
	]);
});

const refused = (type: string, message: string): Step => ({
	type,
	code: 2,
	err: `cli_tunnel: set: ${message}\n`,
});

it("set refuses what it cannot use, and says what would have been right", async (t, tables) => {
	await session(t, tables, cli, [
		refused(
			"set x 10.0.0.1 1 0 0",
			'id must be an integer from 0 to 4294967295, got "x"',
		),
		refused(
			"set 4294967296 10.0.0.1 1 0 0",
			'id must be an integer from 0 to 4294967295, got "4294967296"',
		),
		refused(
			"set all 10.0.0.1 1 0 0",
			'id must be an integer from 0 to 4294967295, got "all"',
		),
		refused(
			"set 1 1.1 1 0 0",
			'ip-local must be an IPv4 or IPv6 address, got "1.1"',
		),
		refused(
			"set 1 010.0.0.1 1 0 0",
			'ip-local must be an IPv4 or IPv6 address, got "010.0.0.1"',
		),
		refused(
			"set 1 fe80::1%eth0 1 0 0",
			'ip-local must be an IPv4 or IPv6 address, got "fe80::1%eth0"',
		),
		refused(
			"set 1 0 1 0 0",
			'ip-local must be an IPv4 or IPv6 address, got "0"',
		),
		refused(
			"set 1 0.0.0.0 1 0 0",
			'ip-local must be an address of this machine, got "0.0.0.0"',
		),
		refused(
			"set 1 10.0.0.1 0 0 0",
			'port-local must be an integer from 1 to 65535, got "0"',
		),
		refused(
			"set 1 10.0.0.1 70000 0 0",
			'port-local must be an integer from 1 to 65535, got "70000"',
		),
		refused(
			"set 1 10.0.0.1 1 10.0.0.2 70000",
			'port-remote must be an integer from 0 to 65535, got "70000"',
		),
		refused(
			"set 1 10.0.0.1 1 host 1",
			'ip-remote must be an IPv4 or IPv6 address, got "host"',
		),
		refused(
			"set 1 10.0.0.1 1 0 6080",
			'ip-remote and port-remote must both be 0 or neither, got "0" and "6080"',
		),
		refused(
			"set 1 10.0.0.1 1 10.0.0.2 0",
			'ip-remote and port-remote must both be 0 or neither, got "10.0.0.2" and "0"',
		),
		refused(
			"set 1 10.0.0.1 1 fd00::2 1",
			'ip-local and ip-remote must be of one family, got "10.0.0.1" and "fd00::2"',
		),
		refused("set 1 10.0.0.1 1 0", `missing: <port-remote>\nusage: ${usage}`),
		refused(
			"set 1 10.0.0.1 1 0 0 0",
			`unexpected argument "0"\nusage: ${usage}`,
		),
		refused(
			"set 1 10.0.0.1 1 0 0 --reset",
			`unknown option "--reset"; did you mean "--reset-remote"?\nusage: ${usage}`,
		),
		{ type: "get all", out: "0 tunnels, 0 local endpoints\n" },
	]);
});

it("set refuses as JSON", (t, tables) =>
	session(t, tables, cli, [
		{
			type: "set 1 10.0.0.1 70000 0 0 --json",
			code: 2,
			err: '{"error":{"code":"USAGE","message":"port-local must be an integer from 1 to 65535, got \\"70000\\""}}\n',
		},
		{
			type: "set 1 --json",
			code: 2,
			err: `{"error":{"code":"USAGE","message":"missing: <ip-local> <port-local> <ip-remote> <port-remote>","usage":"${usage}"}}\n`,
		},
	]));
