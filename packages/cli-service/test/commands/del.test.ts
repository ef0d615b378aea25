import { session, withTables } from "@sluice/cli-kit/testing";
import { possibleCpus } from "@sluice/maps";
import { Address } from "@sluice/maps/address";
import {
	directions,
	encapTable,
	natTable,
	trafficTable,
	verifyTable,
} from "@sluice/maps/tables";
import test from "ava";
import { cli } from "../../src/cli.js";

const it = withTables(test);

it("del takes a service's rows out of every table, and no other's", async (t, tables) => {
	await tables.run(cli, "set 1 2 tcp 5.5.5.5 3100 1.1.1.1 4000 100 x");
	await tables.run(cli, "set 1 3 udp 5.5.5.5 3100 1.1.1.1 4000 100 x");
	const traffic = tables.open(trafficTable);
	for (const group of [2, 3])
		for (const direction of directions)
			traffic.set(
				{ tunnel: 100, sid: { service: 1, group }, direction },
				Array.from({ length: possibleCpus() }, () => ({
					packets: 1n,
					bytes: 1n,
				})),
			);
	await session(t, tables, cli, [
		{ type: "del 1 2", out: "deleted 1 service\n" },
		{ type: "get 1 2", code: 3, err: "cli_service: get: no service 1 2\n" },
	]);
	t.deepEqual(
		[verifyTable, encapTable, natTable, trafficTable].map(
			(table) => [...tables.open<unknown, unknown>(table).entries()].length,
		),
		[1, 1, 2, 2],
	);
	await session(t, tables, cli, [
		{
			type: "del 1 3 --json",
			out: '{"deleted":[{"service":1,"group":3}]}\n',
		},
	]);
	t.is([...traffic.entries()].length, 0);
});

it("del of a service that is not there exits 3", (t, tables) =>
	session(t, tables, cli, [
		{ type: "del 1 2", code: 3, err: "cli_service: del: no service 1 2\n" },
		{
			type: "del 1 2 --json",
			code: 3,
			err: '{"error":{"code":"NOT_FOUND","message":"no service 1 2"}}\n',
		},
		{ type: "del 1 2 --if-exists", out: "deleted 0 services\n" },
		{ type: "del 1 2 --if-exists --json", out: '{"deleted":[]}\n' },
		{ type: "del all", out: "deleted 0 services\n" },
		{ type: "del all --json", out: '{"deleted":[]}\n' },
	]));

it("del all also deletes rows that belong to nothing", async (t, tables) => {
	await tables.run(cli, "set 1 2 tcp 5.5.5.5 3100 1.1.1.1 4000 100 x");
	tables
		.open(natTable)
		.set(
			{ address: Address.of("9.9.9.9"), port: 9, proto: 6 },
			{ address: Address.of("8.8.8.8"), port: 8, proto: 6 },
		);
	await session(t, tables, cli, [
		{ type: "del all", out: "deleted 1 service\n" },
		{ type: "get all --json", out: '{"services":[],"encap":[],"nat":[]}\n' },
	]);
});
