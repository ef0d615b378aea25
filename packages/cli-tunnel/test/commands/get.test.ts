import { session, withTables } from "@sluice/cli-kit/testing";
import { nanosecondsSinceBoot } from "@sluice/maps";
import { Address } from "@sluice/maps/address";
import { pathMtuTable, tunnelTable } from "@sluice/maps/tables";
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
		"TUN\t       5\t  172.1.0.4:6080 -> 0.0.0.0:0\tunknown\tno ping",
		"TUN\t     102\t[2001:db8::1]:6080 -> [2001:db8::2]:7000\tset\tno ping",
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
		local: Address.of("172.1.0.4"),
		localPort: 6080,
		remote: Address.of("198.51.100.7"),
		remotePort: 40_001,
		lastPing: 9_007_199_254_740_993n,
	});
	// The age and the time of a ping that is 104 days ahead are those of one that came now.
	const before = Date.now();
	await session(t, tables, cli, [
		{
			type: "get 6",
			out: "TUN\t       6\t  172.1.0.4:6080 -> 198.51.100.7:40001\tlearned\tping 0 s ago\nDECAP\tudp\t172.1.0.4:6080\t2\n1 tunnel, 1 local endpoint\n",
		},
	]);
	const { out } = await tables.run(cli, "get 6 --json");
	const { tunnels, decap } = JSON.parse(out);
	const [{ lastPingTime, ...tunnel }] = tunnels;
	t.deepEqual(
		[tunnel, decap],
		[
			{
				id: 6,
				local: { address: "172.1.0.4", port: 6080 },
				remote: { address: "198.51.100.7", port: 40_001 },
				lastPing: 9_007_199_254_740_992,
				lastPingAge: 0,
				learned: true,
			},
			[
				{
					protocol: "udp",
					address: "172.1.0.4",
					port: 6080,
					references: 2,
				},
			],
		],
	);
	t.true(Date.parse(lastPingTime) >= before);
	t.true(Date.parse(lastPingTime) <= Date.now());
});

it("get shows how long ago the last ping came, in text and JSON", async (t, tables) => {
	await tables.run(cli, "set 6 172.1.0.4 6080 0 0");
	const seconds = (n: number) => BigInt(n) * 1_000_000_000n;
	for (const [age, text] of [
		[30, /\tping [345]\d s ago\n/],
		[695, /\tping 11 min ago\n/],
		[7200, /\tping 2 h ago\n/],
		[200_000, /\tping 2 d ago\n/],
	] as const) {
		tables.open(tunnelTable).set(6, {
			local: Address.of("172.1.0.4"),
			localPort: 6080,
			remote: Address.of("198.51.100.7"),
			remotePort: 40_001,
			// Modulo 2^64: the machine may have been up for less.
			lastPing: BigInt.asUintN(64, nanosecondsSinceBoot() - seconds(age)),
		});
		t.regex((await tables.run(cli, "get 6")).out, text);
		const { out } = await tables.run(cli, "get all --json");
		const [{ lastPingAge, lastPingTime }] = JSON.parse(out).tunnels;
		t.true(lastPingAge >= age);
		t.true(Math.abs(Date.parse(lastPingTime) + 1000 * age - Date.now()) < 1e6);
	}
});

it("get shows the MTU that a router on the path has reported, while it holds", async (t, tables) => {
	const ends = {
		local: Address.of("172.1.0.4"),
		localPort: 6080,
		remote: Address.of("198.51.100.7"),
		remotePort: 6080,
	};
	await tables.run(cli, "set 6 172.1.0.4 6080 198.51.100.7 6080");
	const pathMtu = tables.open(pathMtuTable);
	const now = nanosecondsSinceBoot();
	pathMtu.set(ends, { mtu: 1400, expires: now + 600_000_000_000n });
	t.regex((await tables.run(cli, "get 6")).out, /\tno ping\tpath MTU 1400\n/);
	const mtuOf = async () =>
		JSON.parse((await tables.run(cli, "get all --json")).out).tunnels[0]
			.pathMtu;
	t.is(await mtuOf(), 1400);
	pathMtu.set(ends, { mtu: 1400, expires: now });
	t.regex((await tables.run(cli, "get 6")).out, /\tno ping\n/);
	t.is(await mtuOf(), undefined);
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
