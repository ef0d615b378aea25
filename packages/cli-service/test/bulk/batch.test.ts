import { session, withTables } from "@sluice/cli-kit/testing";
import { natTable, trafficTable } from "@sluice/maps/tables";
import test from "ava";
import { cli } from "../../src/cli.js";

const it = withTables(test);

const set = (
	service: number,
	proxy: string,
	backend: string,
	rest = "100 key",
) => `set ${service} 1 tcp ${proxy} 80 ${backend} 8080 ${rest}`;

const lines = (...list: string[]) => ({ input: list.join("\n") });

it("a batch may exchange what services have", (t, tables) =>
	session(t, tables, cli, [
		{
			type: "batch -",
			env: lines(set(1, "5.0.0.1", "1.0.0.1"), set(2, "5.0.0.2", "1.0.0.2")),
			out: "2 lines: 8 rows written, 0 deleted\n",
		},
		{
			type: "batch -",
			env: lines(set(1, "5.0.0.2", "1.0.0.1"), set(2, "5.0.0.1", "1.0.0.2")),
			out: "2 lines: 6 rows written, 0 deleted\n",
		},
		{
			type: "save",
			out: `${set(1, "5.0.0.2", "1.0.0.1")}\n${set(2, "5.0.0.1", "1.0.0.2")}\n`,
		},
		{
			type: "batch -",
			env: lines(set(1, "5.0.0.2", "1.0.0.2"), set(2, "5.0.0.1", "1.0.0.1")),
			out: "2 lines: 8 rows written, 0 deleted\n",
		},
		// The first line takes what the second has, which keeps it.
		{
			type: "batch -",
			env: lines(set(1, "5.0.0.1", "1.0.0.2"), set(2, "5.0.0.1", "1.0.0.1")),
			code: 2,
			err: "cli_service: batch: line 1: proxy tcp 5.0.0.1:80 belongs to service 2 1; delete it first or use --force\ncli_service: batch: line 2: proxy tcp 5.0.0.1:80 belongs to service 1 1; delete it first or use --force\ncli_service: batch: 2 errors: nothing was changed\n",
		},
	]));

it("batch writes whole services", async (t, tables) => {
	await session(t, tables, cli, [
		{
			type: "batch -",
			env: lines(set(1, "5.0.0.1", "1.0.0.1"), set(2, "5.0.0.2", "1.0.0.2")),
			out: "2 lines: 8 rows written, 0 deleted\n",
		},
	]);
	const ended = await tables.run(cli, "check --json");
	t.deepEqual(
		JSON.parse(ended.out).findings.map(({ code }: { code: string }) => code),
		["NO_TUNNEL", "NO_TUNNEL"],
	);
});

it("a line of a batch sees what the lines before it have done", async (t, tables) => {
	await session(t, tables, cli, [
		{
			type: "batch -",
			env: lines(set(1, "5.0.0.1", "1.0.0.1")),
			out: "1 line: 4 rows written, 0 deleted\n",
		},
		{
			type: "batch -",
			env: lines(
				set(2, "5.0.0.1", "1.0.0.2"),
				set(3, "5.0.0.3", "1.0.0.3"),
				set(4, "5.0.0.4", "1.0.0.3"),
				"del 9 1",
			),
			code: 2,
			err: `cli_service: batch: line 1: proxy tcp 5.0.0.1:80 belongs to service 1 1; delete it first or use --force
cli_service: batch: line 3: backend tcp 1.0.0.3:8080 belongs to service 3 1; delete it first or use --force
cli_service: batch: line 4: no service 9 1
cli_service: batch: 3 errors: nothing was changed
`,
		},
		{
			type: "batch -",
			env: lines("del 1 1", set(2, "5.0.0.1", "1.0.0.2")),
			out: "2 lines: 4 rows written, 3 deleted\n",
		},
		{
			type: "batch -",
			env: lines(`${set(3, "5.0.0.1", "1.0.0.3")} --force`),
			out: "1 line: 4 rows written, 3 deleted\n",
			err: "cli_service: batch: proxy tcp 5.0.0.1:80 taken over: deleted service 2 1\n",
		},
		{
			type: "save",
			out: "set 3 1 tcp 5.0.0.1 80 1.0.0.3 8080 100 key\n",
		},
	]);
	t.is([...tables.open(natTable).entries()].length, 2);
});

it("a batch that fails says nothing of what it would have taken over", (t, tables) =>
	session(t, tables, cli, [
		{
			type: "batch -",
			env: lines(set(1, "5.0.0.1", "1.0.0.1")),
			out: "1 line: 4 rows written, 0 deleted\n",
		},
		{
			type: "batch -",
			env: lines(`${set(2, "5.0.0.1", "1.0.0.2")} --force`, "del 9 1"),
			code: 2,
			err: "cli_service: batch: line 2: no service 9 1\ncli_service: batch: 1 error: nothing was changed\n",
		},
	]));

it("a batch reads keys from files, but not from its own standard input", (t, tables) =>
	session(t, tables, cli, [
		{
			type: "batch -",
			env: lines(`${set(1, "5.0.0.1", "1.0.0.1", "100")} --key-file -`),
			code: 2,
			err: "cli_service: batch: line 1: a line of a batch cannot read standard input\ncli_service: batch: 1 error: nothing was changed\n",
		},
	]));

it("deleting a service by batch deletes its counters, and no others", async (t, tables) => {
	const traffic = tables.open(trafficTable);
	const none = { packets: 0n, bytes: 0n };
	const rows = [1, 2].map((service) => ({
		tunnel: 100,
		sid: { service, group: 1 },
		direction: "egress" as const,
	}));
	await tables.run(
		cli,
		"batch -",
		lines(set(1, "5.0.0.1", "1.0.0.1"), set(2, "5.0.0.2", "1.0.0.2")),
	);
	for (const key of rows)
		traffic.set(key, Array(traffic.get(key)?.length ?? 1).fill(none));
	await session(t, tables, cli, [
		{
			type: "batch -",
			env: lines("del 1 1"),
			out: "1 line: 0 rows written, 4 deleted\n",
		},
	]);
	t.deepEqual(
		[...traffic.entries()].map(([key]) => key),
		rows.slice(1),
	);
});
