import { session, withTables } from "@sluice/cli-kit/testing";
import { Address } from "@sluice/maps/address";
import { decapTable, verifyTable } from "@sluice/maps/tables";
import test from "ava";
import { cli } from "../../src/cli.js";

const it = withTables(test);

it("tunnels at one endpoint are counted together in a batch", async (t, tables) => {
	await session(t, tables, cli, [
		{
			type: "batch -",
			env: {
				input: `set 1 10.0.0.1 6080 10.9.0.1 6080
set 2 10.0.0.1 6080 0 0
set 3 fd00::1 6080 fd00::2 6080
del 2`,
			},
			out: "4 lines: 4 rows written, 0 deleted\n",
		},
		{
			type: "save",
			out: "set 1 10.0.0.1 6080 10.9.0.1 6080\nset 3 fd00::1 6080 fd00::2 6080\n",
		},
	]);
	t.deepEqual(
		[...tables.open(decapTable).entries()].map(([, count]) => count),
		[1, 1],
	);
});

it("a batch deletes no tunnel that services use", async (t, tables) => {
	await tables.run(cli, "set 1 10.0.0.1 6080 0 0");
	const endpoint = { address: Address.of("5.5.5.5"), port: 1, proto: 6 };
	tables
		.open(verifyTable)
		.set(
			{ service: 7, group: 8 },
			{ key: Buffer.alloc(16), tunnel: 1, proxy: endpoint, backend: endpoint },
		);
	const env = { input: "set 2 10.0.0.2 6080 0 0\ndel 1" };
	await session(t, tables, cli, [
		{
			type: "batch -",
			env,
			code: 2,
			err: "cli_tunnel: batch: line 2: tunnel 1 is used by 1 service, 7 8 among them; delete them first or use --force\ncli_tunnel: batch: 1 error: nothing was changed\n",
		},
		{
			type: "batch - --json",
			env,
			code: 2,
			err: '{"error":{"code":"LINES","message":"1 error: nothing was changed","lines":[{"line":2,"code":"IN_USE","message":"tunnel 1 is used by 1 service, 7 8 among them","hint":"delete them first or use --force"}]}}\n',
		},
		{ type: "save", out: "set 1 10.0.0.1 6080 0 0\n" },
	]);
});

it("batch --dry-run prints what would be changed", async (t, tables) => {
	await session(t, tables, cli, [
		{
			type: "batch -",
			env: { input: "set 1 10.0.0.1 6080 0 0\nset 2 10.0.0.2 6080 0 0" },
			out: "2 lines: 4 rows written, 0 deleted\n",
		},
		{
			type: "batch --dry-run -",
			env: {
				input: "set 3 10.0.0.1 6080 0 0\ndel 2\nset 1 10.0.0.1 6080 10.9.0.1 1",
			},
			out: `~ set 1 10.0.0.1 6080 10.9.0.1 1
+ set 3 10.0.0.1 6080 0 0
- del 2
3 differences, not applied: 3 rows written, 2 deleted
`,
		},
		{
			type: "save",
			out: "set 1 10.0.0.1 6080 0 0\nset 2 10.0.0.2 6080 0 0\n",
		},
	]);
});
