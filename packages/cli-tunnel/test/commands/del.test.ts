import { session, withTables } from "@sluice/cli-kit/testing";
import { Address } from "@sluice/maps/address";
import { decapTable, tunnelTable, verifyTable } from "@sluice/maps/tables";
import test from "ava";
import { cli } from "../../src/cli.js";

const it = withTables(test);

it("del takes a tunnel and its local endpoint away", async (t, tables) => {
	await tables.run(cli, "set 100 10.0.0.1 6080 0 0");
	await tables.run(cli, "set 101 10.0.0.1 6080 0 0");
	await session(t, tables, cli, [
		{ type: "del 100", out: "deleted 1 tunnel\n" },
		{
			type: "get all",
			out: "TUN\t     101\t   10.0.0.1:6080 -> 0.0.0.0:0\tunknown\tno ping\nDECAP\tudp\t10.0.0.1:6080\t1\n1 tunnel, 1 local endpoint\n",
		},
		{ type: "del 0x65 --json", out: '{"deleted":[101]}\n' },
		{ type: "get all", out: "0 tunnels, 0 local endpoints\n" },
	]);
});

it("del of a tunnel that is not there exits 3", (t, tables) =>
	session(t, tables, cli, [
		{ type: "del 42", code: 3, err: "cli_tunnel: del: no tunnel 42\n" },
		{
			type: "del 42 --json",
			code: 3,
			err: '{"error":{"code":"NOT_FOUND","message":"no tunnel 42"}}\n',
		},
		{ type: "del 42 --if-exists", out: "deleted 0 tunnels\n" },
		{ type: "del 42 --if-exists --json", out: '{"deleted":[]}\n' },
		{ type: "del all", out: "deleted 0 tunnels\n" },
		{ type: "del all --json", out: '{"deleted":[]}\n' },
	]));

it("del all deletes every tunnel and prints their ids in order", async (t, tables) => {
	for (const id of [3, 20, 1])
		await tables.run(cli, `set ${id} 10.0.0.${id} 6080 0 0`);
	await session(t, tables, cli, [
		{ type: "del all --json", out: '{"deleted":[1,3,20]}\n' },
	]);
	t.deepEqual([...tables.open(tunnelTable).entries()], []);
	t.deepEqual([...tables.open(decapTable).entries()], []);
});

it("del refuses a tunnel that services use, but for --force and all", async (t, tables) => {
	const end = (address: string) => ({
		address: Address.of(address),
		port: 80,
		proto: 6,
	});
	const services = tables.open(verifyTable);
	for (const id of [1, 2])
		services.set(
			{ service: id, group: 9 },
			{
				key: Buffer.from("k"),
				tunnel: 100,
				proxy: end(`5.5.5.${id}`),
				backend: end(`1.1.1.${id}`),
			},
		);
	const create = {
		type: "set 100 10.0.0.1 6080 0 0",
		out: "TUN\t     100\t   10.0.0.1:6080 -> 0.0.0.0:0\n",
	};
	await session(t, tables, cli, [
		create,
		{
			type: "set 101 10.0.0.1 6080 0 0",
			out: "TUN\t     101\t   10.0.0.1:6080 -> 0.0.0.0:0\n",
		},
		{ type: "del 101", out: "deleted 1 tunnel\n" },
	]);
	const refused = await tables.run(cli, "del 100");
	t.is(refused.code, 1);
	t.regex(
		refused.err,
		/^cli_tunnel: del: tunnel 100 is used by 2 services, [12] 9 among them; delete them first or use --force\n$/,
	);
	const asJson = await tables.run(cli, "del 100 --json");
	t.is(asJson.out, "");
	t.like(JSON.parse(asJson.err), {
		error: { code: "IN_USE", hint: "delete them first or use --force" },
	});
	await session(t, tables, cli, [
		{ type: "del 100 --force", out: "deleted 1 tunnel\n" },
		create,
		{ type: "del all", out: "deleted 1 tunnel\n" },
	]);
});

it("del refuses what is not an id", (t, tables) =>
	session(t, tables, cli, [
		{
			type: "del -1",
			code: 2,
			err: 'cli_tunnel: del: id must be an integer from 0 to 4294967295, or all, got "-1"\n',
		},
		{
			type: "del",
			code: 2,
			err: "cli_tunnel: del: missing: <id>|all\nusage: cli_tunnel del <id>|all [--force] [--if-exists]\n",
		},
	]));
