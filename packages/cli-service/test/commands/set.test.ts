import { type Step, session, withTables } from "@sluice/cli-kit/testing";
import { possibleCpus } from "@sluice/maps";
import { Address } from "@sluice/maps/address";
import {
	decapTable,
	encapTable,
	natTable,
	protocols,
	trafficTable,
	tunnelTable,
	verifyTable,
} from "@sluice/maps/tables";
import test from "ava";
import { cli } from "../../src/cli.js";

const it = withTables(test);

const typed = "set 1 2 tcp 5.5.5.5 3100 1.1.1.1 4000 100 Pa55w0rd1234567";
const shown =
	"VERIFY (1, 2) ->\t'(hidden)'\t100\t\t(tcp 5.5.5.5:3100)\t(tcp 1.1.1.1:4000)\n";
const proxy = { address: Address.of("5.5.5.5"), port: 3100, proto: 6 };
const backend = { address: Address.of("1.1.1.1"), port: 4000, proto: 6 };
const key = Buffer.from("Pa55w0rd1234567\0");

it("set writes a service's rows in the three tables", async (t, tables) => {
	await session(t, tables, cli, [{ type: typed, out: shown }]);
	const sid = { service: 1, group: 2 };
	t.deepEqual(
		[...tables.open(verifyTable).entries()],
		[[sid, { key, tunnel: 100, proxy, backend }]],
	);
	t.deepEqual(
		[...tables.open(encapTable).entries()],
		[[backend, { tunnel: 100, sid, key }]],
	);
	t.deepEqual(
		[...tables.open(natTable).entries()].sort(([a], [b]) => a.port - b.port),
		[
			[proxy, backend],
			[backend, proxy],
		],
	);
});

it("set is idempotent", (t, tables) =>
	session(t, tables, cli, [
		{ type: typed, out: shown },
		{ type: typed, out: shown },
		{
			type: "check",
			code: 1,
			out: "NO_TUNNEL\tservice 1 2: its tunnel 100 is not set\n1 finding\n",
			err: "cli_service: check: 1 finding not repaired; see what --repair can mend\n",
		},
	]));

it("set that moves a service leaves nothing of the old one", async (t, tables) => {
	await tables.run(cli, typed);
	const traffic = tables.open(trafficTable);
	traffic.set(
		{ tunnel: 100, sid: { service: 1, group: 2 }, direction: "ingress" },
		Array.from({ length: possibleCpus() }, () => ({ packets: 1n, bytes: 1n })),
	);
	for (const type of [
		"set 1 2 tcp 5.5.5.5 3101 1.1.1.1 4000 100 x",
		"set 1 2 tcp 5.5.5.5 3101 1.1.1.9 4000 100 x",
		"set 1 2 udp 5.5.5.5 3101 1.1.1.9 4000 100 x",
		// What was the proxy becomes the backend.
		"set 1 2 udp 1.1.1.9 4000 5.5.5.5 3101 101 x",
	]) {
		t.is((await tables.run(cli, type)).code, 0);
		t.is([...tables.open(natTable).entries()].length, 2, type);
		t.is([...tables.open(encapTable).entries()].length, 1, type);
	}
	t.is([...traffic.entries()].length, 0);
	t.deepEqual(
		tables
			.open(natTable)
			.get({ address: Address.of("1.1.1.9"), port: 4000, proto: 17 }),
		{
			address: Address.of("5.5.5.5"),
			port: 3101,
			proto: 17,
		},
	);
});

const conflict = (what: string) =>
	`cli_service: set: ${what} belongs to service 1 2; delete it first or use --force\n`;

it("set refuses endpoints of another service", async (t, tables) => {
	await session(t, tables, cli, [
		{ type: typed, out: shown },
		{
			type: "set 3 4 tcp 5.5.5.5 3100 1.1.1.9 4000 100 x",
			code: 1,
			err: conflict("proxy tcp 5.5.5.5:3100"),
		},
		{
			type: "set 3 4 tcp 5.5.5.9 3100 1.1.1.1 4000 100 x",
			code: 1,
			err: conflict("backend tcp 1.1.1.1:4000"),
		},
		{
			type: "set 3 4 tcp 1.1.1.1 4000 5.5.5.9 1 100 x",
			code: 1,
			err: conflict("proxy tcp 1.1.1.1:4000"),
		},
		{
			type: "set 3 4 tcp 5.5.5.5 3100 1.1.1.9 4000 100 x --json",
			code: 1,
			err: '{"error":{"code":"CONFLICT","message":"proxy tcp 5.5.5.5:3100 belongs to service 1 2","hint":"delete it first or use --force"}}\n',
		},
		{
			type: "get 1 2 --json --show-keys",
			out: `${JSON.stringify({
				services: [document("Pa55w0rd1234567")],
				encap: [
					{
						backend: { protocol: "tcp", address: "1.1.1.1", port: 4000 },
						tunnel: 100,
						service: 1,
						group: 2,
						key: "Pa55w0rd1234567",
					},
				],
				nat: [
					{
						from: { protocol: "tcp", address: "1.1.1.1", port: 4000 },
						to: { protocol: "tcp", address: "5.5.5.5", port: 3100 },
					},
					{
						from: { protocol: "tcp", address: "5.5.5.5", port: 3100 },
						to: { protocol: "tcp", address: "1.1.1.1", port: 4000 },
					},
				],
			})}\n`,
		},
		// The same ports of another protocol are others.
		{
			type: "set 3 4 udp 5.5.5.5 3100 1.1.1.1 4000 100 x",
			out: "VERIFY (3, 4) ->\t'(hidden)'\t100\t\t(udp 5.5.5.5:3100)\t(udp 1.1.1.1:4000)\n",
		},
	]);
});

const document = (shownKey: string) => ({
	service: 1,
	group: 2,
	key: shownKey,
	tunnel: 100,
	proxy: { protocol: "tcp", address: "5.5.5.5", port: 3100 },
	backend: { protocol: "tcp", address: "1.1.1.1", port: 4000 },
});

it("--force takes endpoints over and deletes who had them", async (t, tables) => {
	await tables.run(cli, typed);
	await tables.run(cli, "set 5 5 tcp 6.6.6.6 1 1.1.1.5 1 100 x");
	await session(t, tables, cli, [
		{
			type: "set 3 4 tcp 5.5.5.5 3100 1.1.1.5 1 100 x --force",
			out: "VERIFY (3, 4) ->\t'(hidden)'\t100\t\t(tcp 5.5.5.5:3100)\t(tcp 1.1.1.5:1)\n",
			err: "cli_service: set: proxy tcp 5.5.5.5:3100 taken over: deleted service 1 2\ncli_service: set: backend tcp 1.1.1.5:1 taken over: deleted service 5 5\n",
		},
		{
			type: "set 3 4 tcp 5.5.5.5 3100 1.1.1.5 1 100 x --force",
			out: "VERIFY (3, 4) ->\t'(hidden)'\t100\t\t(tcp 5.5.5.5:3100)\t(tcp 1.1.1.5:1)\n",
		},
	]);
	t.deepEqual(
		[...tables.open(verifyTable).entries()].map(([sid]) => sid),
		[{ service: 3, group: 4 }],
	);
	t.is([...tables.open(natTable).entries()].length, 2);
	t.is([...tables.open(encapTable).entries()].length, 1);
});

const refusedKinds = [
	["0.0.0.0", "unspecified"],
	["0.1.2.3", "unspecified"],
	["224.0.0.1", "multicast"],
	["255.255.255.255", "broadcast"],
	["127.0.0.1", "loopback"],
] as const;

for (const [address, kind] of [
	...refusedKinds,
	["::", "unspecified"],
	["ff02::1", "multicast"],
	["::1", "loopback"],
] as const)
	it(`set refuses ${address}, which is ${kind}`, async (t, tables) => {
		const other = address.includes(":") ? "fd00::5" : "5.5.5.5";
		const hint =
			kind === "loopback" ? "; --force allows a loopback address" : "";
		const refusal = (name: string) => ({
			code: 2,
			err: `cli_service: set: ${name} must be the address of one host, got "${address}", ${kind}${hint}\n`,
		});
		const backend = `set 1 2 tcp ${other} 80 ${address} 80 100 x`;
		await session(t, tables, cli, [
			{ type: backend, ...refusal("ip-ep") },
			{
				type: `set 1 2 tcp ${address} 80 ${other} 80 100 x`,
				...refusal("ip-proxy"),
			},
		]);
		const forced = await tables.run(cli, `${backend} --force`);
		t.is(forced.code, kind === "loopback" ? 0 : 2);
	});

it("set refuses the ends of a tunnel", async (t, tables) => {
	tables.open(tunnelTable).set(100, {
		local: Address.of("10.0.0.1"),
		localPort: 6080,
		remote: Address.of("10.0.0.2"),
		remotePort: 6081,
		lastPing: 0n,
	});
	tables
		.open(decapTable)
		.set(
			{ address: Address.of("10.0.0.1"), port: 6080, proto: protocols.udp },
			1,
		);
	const set = (proto: string, proxy: string, backend: string) =>
		`set 1 2 ${proto} ${proxy} ${backend} 100 x`;
	await session(t, tables, cli, [
		{
			type: set("udp", "10.0.0.1 6080", "1.1.1.1 80"),
			code: 2,
			err: "cli_service: set: the proxy, (udp 10.0.0.1:6080), is the local endpoint of a tunnel\n",
		},
		{
			type: set("udp", "5.5.5.5 80", "10.0.0.2 6081"),
			code: 2,
			err: "cli_service: set: the backend, (udp 10.0.0.2:6081), is the far end of tunnel 100\n",
		},
		// The same two mistakes, made on the other end.
		{
			type: set("udp", "10.0.0.2 6081", "1.1.1.1 80"),
			code: 2,
			err: "cli_service: set: the proxy, (udp 10.0.0.2:6081), is the far end of tunnel 100\n",
		},
		{
			type: set("udp", "5.5.5.5 80", "10.0.0.1 6080"),
			code: 2,
			err: "cli_service: set: the backend, (udp 10.0.0.1:6080), is the local endpoint of a tunnel\n",
		},
	]);
	for (const [proxy, backend] of [
		["10.0.0.1 6081", "10.0.0.2 6080"],
		["10.0.0.1 53", "10.0.0.2 53"],
	] as const)
		t.is((await tables.run(cli, set("udp", proxy, backend))).code, 0);
	t.is(
		(await tables.run(cli, set("tcp", "10.0.0.1 6080", "10.0.0.2 6081"))).code,
		0,
	);
});

/** What a key is typed as, and its 16 bytes. */
it("set refuses what it cannot use, and says what would have been right", async (t, tables) => {
	const bad = (line: string, message: string): Step => ({
		type: `set ${line}`,
		code: 2,
		err: `cli_service: set: ${message}\n`,
	});
	await session(t, tables, cli, [
		bad(
			"65536 2 tcp 5.5.5.5 3100 1.1.1.1 4000 100 x",
			"service-id must be an integer from 0 to 65535",
		),
		bad(
			"1 x tcp 5.5.5.5 3100 1.1.1.1 4000 100 x",
			"group-id must be an integer from 0 to 65535",
		),
		bad("1 2 TCP 5.5.5.5 3100 1.1.1.1 4000 100 x", "proto must be tcp or udp"),
		bad(
			"1 2 toString 5.5.5.5 3100 1.1.1.1 4000 100 x",
			"proto must be tcp or udp",
		),
		bad(
			"1 2 tcp 5.5.5 3100 1.1.1.1 4000 100 x",
			"ip-proxy must be an IPv4 or IPv6 address",
		),
		bad(
			"1 2 tcp 5.5.5.5 65536 1.1.1.1 4000 100 x",
			"port-proxy must be an integer from 1 to 65535",
		),
		bad(
			"1 2 tcp 5.5.5.5 3100 1.1.1.300 4000 100 x",
			"ip-ep must be an IPv4 or IPv6 address",
		),
		bad(
			"1 2 tcp 5.5.5.5 3100 1.1.1.1 0 100 x",
			"port-ep must be an integer from 1 to 65535",
		),
		bad(
			"1 2 tcp 5.5.5.5 3100 1.1.1.1 4000 4294967296 x",
			"tunnel-id must be an integer from 0 to 4294967295",
		),
		bad(
			"1 2 tcp 5.5.5.5 3100 fd00::1 4000 100 x",
			"ip-proxy and ip-ep must be of one family",
		),
		bad(
			"1 2 tcp 5.5.5.5 3100 ::ffff:5.5.5.5 3100 100 x",
			"proxy and backend are the same, (tcp 5.5.5.5:3100)",
		),
		bad(
			"1 2 tcp 5.5.5.5 3100 1.1.1.1 4000",
			"missing: <tunnel-id>\nusage: cli_service set <service-id> <group-id> <proto> <ip-proxy> <port-proxy> <ip-ep> <port-ep> <tunnel-id> [<key>] [--key-file <file>] [--signing-key <key>] [--signing-key-file <file>] [--require-signed] [--next-key <key>] [--old-key <key>] [--force] [--show-keys]",
		),
		{ type: "get all --json", out: '{"services":[],"encap":[],"nat":[]}\n' },
	]);
});
