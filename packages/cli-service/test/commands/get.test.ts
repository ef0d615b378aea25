import { session, withTables } from "@sluice/cli-kit/testing";
import { Address } from "@sluice/maps/address";
import { natTable } from "@sluice/maps/tables";
import test from "ava";
import { cli } from "../../src/cli.js";

const it = withTables(test);
const first = "set 1 2 tcp 5.5.5.5 3100 1.1.1.1 4000 100 Pa55w0rd1234567";
const second =
	"set 0 9 udp 2001:db8::5 53 fd00::1 5353 7 hex:00000000000000000000000000000001";

const usage =
	"usage: cli_service get all | cli_service get <service-id> <group-id> [--show-keys]";

it("get all shows services by id, then the other tables in the same order", async (t, tables) => {
	await tables.run(cli, first);
	await tables.run(cli, second);
	const { out, code } = await tables.run(cli, "get all");
	const lines = out.split("\n");
	t.is(code, 0);
	t.deepEqual(lines.slice(0, 2), [
		"VERIFY (0, 9) ->\t'(hidden)'\t7\t\t(udp [2001:db8::5]:53)\t(udp [fd00::1]:5353)",
		"VERIFY (1, 2) ->\t'(hidden)'\t100\t\t(tcp 5.5.5.5:3100)\t(tcp 1.1.1.1:4000)",
	]);
	t.deepEqual(lines.slice(2, 8), [
		"ENCAP (udp [fd00::1]:5353) -> 7\t\t(0, 9)\t'(hidden)'",
		"ENCAP (tcp 1.1.1.1:4000) -> 100\t\t(1, 2)\t'(hidden)'",
		"NAT (udp [fd00::1]:5353) -> (udp [2001:db8::5]:53)",
		"NAT (udp [2001:db8::5]:53) -> (udp [fd00::1]:5353)",
		"NAT (tcp 1.1.1.1:4000) -> (tcp 5.5.5.5:3100)",
		"NAT (tcp 5.5.5.5:3100) -> (tcp 1.1.1.1:4000)",
	]);
	t.deepEqual(lines.slice(8), ["2 services", ""]);
});

it("a NAT row of no service comes last", async (t, tables) => {
	await tables.run(cli, first);
	await tables.run(cli, second);
	const stray = { proto: 6, address: Address.of("9.9.9.9"), port: 9 };
	tables.open(natTable).set(stray, stray);
	const { out } = await tables.run(cli, "get all");
	t.is(out.split("\n").at(-3), "NAT (tcp 9.9.9.9:9) -> (tcp 9.9.9.9:9)");
});

const shown = (one: string, two: string) =>
	`VERIFY (1, 2) ->\t'${one}'\t100\t\t(tcp 5.5.5.5:3100)\t(tcp 1.1.1.1:4000)\nENCAP (tcp 1.1.1.1:4000) -> 100\t\t(1, 2)\t'${two}'\nNAT (tcp 1.1.1.1:4000) -> (tcp 5.5.5.5:3100)\nNAT (tcp 5.5.5.5:3100) -> (tcp 1.1.1.1:4000)\n1 service\n`;

it("keys are hidden without --show-keys", async (t, tables) => {
	await tables.run(cli, first);
	await tables.run(cli, second);
	const key = "Pa55w0rd1234567";
	await session(t, tables, cli, [
		{ type: "get 1 2", out: shown("(hidden)", "(hidden)") },
		{ type: "get 1 2 --show-keys", out: shown(key, key) },
		{
			type: "get 1 2",
			env: { vars: { SLUICE_SHOW_KEYS: "1" } },
			out: shown(key, key),
		},
		{
			type: "get 1 2",
			env: { vars: { SLUICE_SHOW_KEYS: "0" } },
			out: shown("(hidden)", "(hidden)"),
		},
	]);
	const asJson = await tables.run(cli, "get all --json");
	t.notRegex(asJson.out, /Pa55|hex:/);
	const open = await tables.run(cli, "get 0 9 --json --show-keys");
	t.is(
		JSON.parse(open.out).services[0].key,
		"hex:00000000000000000000000000000001",
	);
});

it("get of nothing is an empty document, or exit 3", (t, tables) =>
	session(t, tables, cli, [
		{ type: "get all", out: "0 services\n" },
		{ type: "get all --json", out: '{"services":[],"encap":[],"nat":[]}\n' },
		{ type: "get 9 9", code: 3, err: "cli_service: get: no service 9 9\n" },
		{
			type: "get 9 9 --json",
			code: 3,
			err: '{"error":{"code":"NOT_FOUND","message":"no service 9 9"}}\n',
		},
		{
			type: "get 9",
			code: 2,
			err: `cli_service: get: missing: <group-id>\n${usage}\n`,
		},
		{
			type: "get all 9",
			code: 2,
			err: `cli_service: get: unexpected argument "9"\n${usage}\n`,
		},
		{
			type: "get",
			code: 2,
			err: `cli_service: get: missing: all or <service-id>\n${usage}\n`,
		},
	]));
