import { session, withTables } from "@sluice/cli-kit/testing";
import { tunnelTable } from "@sluice/maps/tables";
import test from "ava";
import { cli } from "../../src/cli.js";

const it = withTables(test);

it("get all shows tunnels by id, local endpoints and a count", async (t, tables) => {
	await tables.run(cli, "set 102 2001:db8::1 6080 2001:DB8:0::2 7000");
	await tables.run(cli, "set 5 172.1.0.4 6080 0 0");
	const shown = await tables.run(cli, "get all");
	t.deepEqual([shown.code, shown.err], [0, ""]);
	const lines = shown.out.split("\n");
	t.deepEqual(lines.slice(0, 2), [
		"TUN\t       5\t  172.1.0.4:6080 -> 0.0.0.0:0",
		"TUN\t     102\t[2001:db8::1]:6080 -> [2001:db8::2]:7000",
	]);
	t.deepEqual(lines.slice(2, 4).sort(), [
		"DECAP\tudp\t172.1.0.4:6080\t1",
		"DECAP\tudp\t[2001:db8::1]:6080\t1",
	]);
	t.deepEqual(lines.slice(4), ["2 tunnels, 2 local endpoints", ""]);
});

it("get of one shows it with its local endpoint, in text and JSON", async (t, tables) => {
	await tables.run(cli, "set 5 172.1.0.4 6080 0 0");
	await tables.run(cli, "set 6 172.1.0.4 6080 0 0");
	tables.open(tunnelTable).set(6, {
		local: "172.1.0.4",
		localPort: 6080,
		remote: "198.51.100.7",
		remotePort: 40_001,
		lastPing: 9_007_199_254_740_993n,
	});
	await session(t, tables, cli, [
		{
			type: "get 6",
			out: "TUN\t       6\t  172.1.0.4:6080 -> 198.51.100.7:40001\nDECAP\tudp\t172.1.0.4:6080\t2\n1 tunnel, 1 local endpoint\n",
		},
		{
			type: "get 6 --json",
			out: '{"tunnels":[{"id":6,"local":{"address":"172.1.0.4","port":6080},"remote":{"address":"198.51.100.7","port":40001},"lastPing":9007199254740992}],"decap":[{"protocol":"udp","address":"172.1.0.4","port":6080,"references":2}]}\n',
		},
	]);
});

it("get of nothing is an empty document, or exit 3", (t, tables) =>
	session(t, tables, cli, [
		{ type: "get all", out: "0 tunnels, 0 local endpoints\n" },
		{ type: "get all --json", out: '{"tunnels":[],"decap":[]}\n' },
		{ type: "get 42", code: 3, err: "cli_tunnel: get: no tunnel 42\n" },
		{
			type: "get 42 --json",
			code: 3,
			err: '{"error":{"code":"NOT_FOUND","message":"no tunnel 42"}}\n',
		},
	]));

it("get waits for no writer", async (t, tables) => {
	const { lock } = await import("@sluice/maps");
	const unlock = lock(tables.pins);
	t.teardown(unlock);
	await session(t, tables, cli, [
		{ type: "get all", out: "0 tunnels, 0 local endpoints\n" },
	]);
});
