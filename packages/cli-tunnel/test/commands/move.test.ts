import { session, withTables } from "@sluice/cli-kit/testing";
import { Address } from "@sluice/maps/address";
import {
	pathMtuTable,
	tunnelOptionsTable,
	tunnelTable,
	verifyTable,
} from "@sluice/maps/tables";
import test from "ava";
import { cli } from "../../src/cli.js";

const it = withTables(test);

it("set, get, save and restore know what may move a far end", async (t, tables) => {
	const saved = [
		"set --move-after=30 --move-within=192.0.2.0/24 1 10.0.0.1 6080 0 0",
		"set --move-after=never 2 10.0.0.1 6081 0 0",
		"set --move-within=2001:db8::/32 3 fd00::1 6080 0 0",
		"set 4 10.0.0.1 6082 0 0",
		"",
	].join("\n");
	await session(t, tables, cli, [
		{ type: "batch -", env: { input: saved }, out: /^4 lines/ },
		{ type: "save", out: saved },
		{
			type: "get all",
			out: /\nMOVE\t {7}1\tafter 30 s\twithin 192\.0\.2\.0\/24\nMOVE\t {7}2\tnever\nMOVE\t {7}3\twithin 2001:db8::\/32\n/,
		},
		{
			type: "get 2 --json",
			out: /"move":\{"after":"never","within":null\}/,
		},
		{ type: "set 2 10.0.0.1 6081 0 0", out: /TUN/ },
		{
			type: "restore --dry-run -",
			env: { input: saved },
			out: /^~ set --move-after=never 2 10\.0\.0\.1 6081 0 0\n1 difference/,
		},
		{ type: "restore -", env: { input: saved }, out: /^4 lines/ },
		{ type: "save", out: saved },
		{ type: "del all", out: "deleted 4 tunnels\n" },
	]);
	t.deepEqual([...tables.open(tunnelOptionsTable).entries()], []);
});

it("what is no time and no prefix is refused", (t, tables) =>
	session(t, tables, cli, [
		{
			type: "set 1 10.0.0.1 6080 0 0 --move-after 0",
			code: 2,
			err: /move-after must be an integer from 1 to/,
		},
		{
			type: "set 1 10.0.0.1 6080 0 0 --move-within 10.0.0.0",
			code: 2,
			err: /move-within must be ADDRESS\/LENGTH, got "10\.0\.0\.0"/,
		},
		{
			type: "set 1 10.0.0.1 6080 0 0 --move-within 10.0.0.0/33",
			code: 2,
			err: /the length of move-within must be an integer from 0 to 32/,
		},
		{
			type: "set 1 10.0.0.1 6080 0 0 --move-within 2001:db8::/32",
			code: 2,
			err: 'cli_tunnel: set: move-within must be of the family of the tunnel\'s ends, got "2001:db8::/32"\n',
		},
	]));

it("set, get, save and restore know what a tunnel's packets carry", async (t, tables) => {
	const set = "set --token=send 100 10.0.0.1 6080 10.0.0.2 6080\n";
	await session(t, tables, cli, [
		{
			type: "set --token send 100 10.0.0.1 6080 10.0.0.2 6080",
			out: /TUN/,
		},
		{ type: "get 100", out: /\nTOKEN\t {5}100\tsend\n/ },
		{ type: "get 100 --json", out: /^(?!.*"move").*"token":"send"/s },
		{ type: "save", out: set },
		{ type: "restore -", env: { input: set }, out: /^1 line: 0 rows/ },
		{
			type: "set 100 10.0.0.1 6080 10.0.0.2 6080 --token maybe",
			code: 2,
			err: 'cli_tunnel: set: token must be off, accept, send or require, got "maybe"\n',
		},
		{ type: "set 100 10.0.0.1 6080 10.0.0.2 6080", out: /TUN/ },
		{ type: "get 100", out: /^(?!.*TOKEN)/s },
	]);
});

it("a token mode that services without a signing key do not go by is warned about", async (t, tables) => {
	const end = { address: Address.of("192.0.2.1"), port: 80, proto: 6 };
	const add = (service: number) =>
		tables
			.open(verifyTable)
			.set(
				{ service, group: 2 },
				{ proxy: end, backend: end, tunnel: 100, key: Buffer.alloc(16, 1) },
			);
	add(1);
	const set = "set 100 10.0.0.1 6080 10.0.0.2 6080 --token";
	const of = (services: string, mode: string) =>
		`cli_tunnel: set: ${services}, for the token mode of tunnel 100 is ${mode}; set `;
	await session(t, tables, cli, [
		{ type: `${set} accept`, out: /TUN/, err: "" },
		{
			type: `${set} send`,
			out: /TUN/,
			err: `${of("service 1 2 has no signing key: its packets still carry the key", "send")}it with --signing-key\n`,
		},
	]);
	for (const service of [3, 4, 5, 6]) add(service);
	const warning = `${of("services 1 2, 3 2, 4 2 and 2 more have no signing key: their packets are dropped", "require")}them with --signing-key\n`;
	await session(t, tables, cli, [
		{ type: `${set} require`, out: /TUN/, err: warning },
		{
			type: "batch -",
			env: {
				input: `${set} require\nset 101 10.0.0.1 6080 0 0 --token require\n`,
			},
			out: /^2 lines/,
			err: warning.replace("set:", "batch:"),
		},
	]);
});

it("set, get, save and restore know where the source port is from", async (t, tables) => {
	const set =
		"set --token=send --source-port=flow 100 10.0.0.1 6080 10.0.0.2 6080\n";
	await session(t, tables, cli, [
		{ type: "batch -", env: { input: set }, out: /^1 line/ },
		{ type: "get 100", out: /\nPORT\t {5}100\tflow\n/ },
	]);
	// Its pings move nothing, so it is as it was set.
	const tunnels = tables.open(tunnelTable);
	const row = tunnels.get(100);
	if (row) tunnels.set(100, { ...row, lastPing: 1n });
	tables.open(pathMtuTable).set(
		{
			local: Address.of("10.0.0.1"),
			localPort: 0,
			remote: Address.of("10.0.0.2"),
			remotePort: 6080,
		},
		{ mtu: 1300, expires: 2n ** 63n },
	);
	await session(t, tables, cli, [
		{ type: "get 100", out: /\tset\tping .* ago\tpath MTU 1300\n/ },
		{
			type: "get 100 --json",
			out: /"learned":false.*"sourcePort":"flow".*"pathMtu":1300/s,
		},
		{ type: "save --without-learned", out: set },
		{ type: "restore -", env: { input: set }, out: /^1 line: 0 rows/ },
		{
			type: "set 100 10.0.0.1 6080 0 0 --source-port flow",
			code: 2,
			err: 'cli_tunnel: set: source-port must be fixed where the far end is learned, which may be behind a NAT, got "flow"\n',
		},
		{
			type: "set 100 10.0.0.1 6080 10.0.0.2 6080 --source-port flow --move-after never",
			code: 2,
			err: 'cli_tunnel: set: source-port must be fixed where pings may move the far end, got "flow"\n',
		},
		{
			type: "set 100 10.0.0.1 6080 10.0.0.2 6080 --source-port fixed",
			out: /TUN/,
		},
		{ type: "get 100", out: /^(?!.*PORT)/s },
	]);
});
