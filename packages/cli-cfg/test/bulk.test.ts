import { execFileSync } from "node:child_process";
import { session, withTables } from "@sluice/cli-kit/testing";
import test from "ava";
import { cli } from "../src/cli.js";

const it = withTables(test);

it("rows are batched, saved and restored, those of interfaces by their names", async (t, tables) => {
	execFileSync("ip", ["link", "add", "wan.7", "type", "veth"]);
	t.teardown(() => execFileSync("ip", ["link", "del", "wan.7"]));
	const saved = `set 0 1 3 'a name'
set -- 1 2 17 -x
set wan.7 0 3 2 ''
set if4000 1 4 1 gone
`;
	await session(t, tables, cli, [
		{
			type: "batch -",
			env: {
				input: `set 0 1 gue,dnat "a name"
set -- 1 2 0x11 -x
set wan.7 0 3 dnat ''
set if4000 1 4 proxy gone`,
			},
			out: "4 lines: 4 rows written, 0 deleted\n",
		},
		{ type: "save", out: saved },
		{
			type: "restore -",
			env: { input: saved },
			out: "4 lines: 0 rows written, 0 deleted\n",
		},
		{
			type: "restore - --dry-run",
			env: { input: "set 0 1 3 'a name'\nset wan.7 0 9 2 x\n" },
			out: `~ set wan.7 0 9 2 x
- del 1
- del if4000 1
3 differences, not applied: 1 row written, 2 deleted
`,
		},
		{
			type: "restore -",
			env: { input: "set 0 1 3 'a name'\nset wan.7 0 9 2 x\n" },
			out: "2 lines: 1 row written, 2 deleted\n",
		},
		{ type: "save", out: "set 0 1 3 'a name'\nset wan.7 0 9 2 x\n" },
	]);
});

it("batch names the line of an interface that is not there", (t, tables) =>
	session(t, tables, cli, [
		{
			type: "batch -",
			env: { input: "set 0 1 gue a\nset nope 0 1 gue a\ndel 1" },
			code: 2,
			err: `cli_cfg: batch: line 2: no interface "nope"; see "ip -brief link"
cli_cfg: batch: line 3: no egress row
cli_cfg: batch: 2 errors: nothing was changed
`,
		},
	]));
